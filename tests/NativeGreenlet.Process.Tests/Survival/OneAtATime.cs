namespace NativeGreenlet.Tests.Survival;

/// <summary>Tests that load the machine. They run one after the other, when everything else is done.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OneAtATime
{
    public const string Name = "one at a time";
}
