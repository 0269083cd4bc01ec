namespace NativeGreenlet.Stress;

/// <summary>How this program was compiled.</summary>
internal static class Build
{
    /// <summary>Whether greenlets can be abandoned. Debug builds keep every variable alive to the end of its method, so a
    /// suspended greenlet may refer to itself from its own stack, for ever; and a conservative collector may find such a
    /// reference in any word.</summary>
#if DEBUG
    public static bool CanAbandon => false;
#else
    public static bool CanAbandon => GreenletRuntime.Backend != GreenletBackend.Slices;
#endif
}
