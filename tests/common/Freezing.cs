namespace NativeGreenlet.Common;

/// <summary>The mode in which each greenlet is frozen whenever it is left: <c>always</c>.</summary>
internal static class Freezing
{
    public const string Variable = "NATIVEGREENLET_FREEZE";
}
