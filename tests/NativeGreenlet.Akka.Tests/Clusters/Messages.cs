namespace NativeGreenlet.Akka.Tests.Clusters;

/// <summary>Lets an entity call others, one after the other, as deep as is said.</summary>
internal sealed record Call(int To, int Depth);

/// <summary>The nodes of all that were called.</summary>
internal sealed record Answered(string[] Nodes);
