namespace NativeGreenlet.Common;

/// <summary>The mode in which every switch looks for words of the thread that lead into the stack that is left.</summary>
internal static class Checking
{
    public const string Variable = "NATIVEGREENLET_CHECK";
}
