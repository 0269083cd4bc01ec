namespace NativeGreenlet;

/// <summary>When parked greenlets are frozen: taken out of what the collector walks, and put back when something continues them.</summary>
/// <example><code>
/// GreenletRuntime.Freezing = GreenletFreezing.Off; // before the first greenlet begins
/// using Greenlet parked = new(_ =&gt; Greenlet.Current.Parent!.Switch());
/// parked.Switch();
/// Console.WriteLine(GreenletRuntime.Description); // says that it is off, and who wanted it
/// </code></example>
public enum GreenletFreezing
{
    /// <summary>Never: each collection walks each parked stack.</summary>
    Off,

    /// <summary>When they have been parked during several collections, on threads that have 64 greenlets or more. The default, where it can
    /// be had: on <see cref="GreenletBackend.Segments"/>, on Linux and Windows.</summary>
    Auto,

    /// <summary>Whenever they are left. It is slow: for tests.</summary>
    Always,
}
