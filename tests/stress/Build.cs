namespace NativeGreenlet.Stress;

/// <summary>How this program was compiled.</summary>
internal static class Build
{
    /// <summary>Whether greenlets can be abandoned. Debug builds keep every variable alive to the end of its method, so a
    /// suspended greenlet may refer to itself from its own stack, for ever.</summary>
#if DEBUG
    public static bool CanAbandon => false;
#else
    public static bool CanAbandon => true;
#endif
}
