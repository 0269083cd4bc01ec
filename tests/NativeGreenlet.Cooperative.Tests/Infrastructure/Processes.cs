namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Test classes that do nothing but start processes and wait for them. They run beside the others, one after the other: what is one for a
/// whole process, options, descriptors and memory, the others have to themselves.</summary>
internal static class Processes
{
    public const string Name = "Processes of their own";
}
