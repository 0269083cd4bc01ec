namespace NativeGreenlet;

/// <summary>The states of a greenlet. Mirrors the states that Python's greenlet shows.</summary>
/// <example><code>
/// Greenlet greenlet = new(() =&gt; Greenlet.Current.Parent!.Switch());
/// Console.WriteLine(greenlet.State == GreenletState.Unstarted); // True
/// greenlet.Switch();
/// Console.WriteLine(greenlet.State == GreenletState.Suspended); // True
/// greenlet.Switch();
/// Console.WriteLine(greenlet.State == GreenletState.Dead); // True
/// </code></example>
public enum GreenletState
{
    /// <summary>Created; its body has not begun.</summary>
    Unstarted,

    /// <summary>The one that its thread is executing.</summary>
    Running,

    /// <summary>Begun, and waiting inside a switch.</summary>
    Suspended,

    /// <summary>Its body has returned or thrown, or it was killed, or its thread has ended.</summary>
    Dead,
}
