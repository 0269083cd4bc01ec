namespace NativeGreenlet.Runtime;

/// <summary>When parked greenlets are frozen.</summary>
internal enum FreezeMode
{
    /// <summary>Never: the collector walks each parked stack.</summary>
    Off,

    /// <summary>When they were parked during several collections.</summary>
    Auto,

    /// <summary>Whenever they are left. For tests.</summary>
    Always,
}
