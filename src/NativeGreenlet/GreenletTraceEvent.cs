namespace NativeGreenlet;

/// <summary>The kinds of events that a trace callback gets. More kinds may be added: ignore those you do not know.</summary>
/// <example><code>
/// Greenlet.SetTrace((kind, origin, target) =&gt;
/// {
///     if (kind is GreenletTraceEvent.Switch or GreenletTraceEvent.Throw)
///     {
///         Console.WriteLine($"{kind} from {origin} to {target}");
///     }
/// });
/// new Greenlet(() =&gt; Console.WriteLine("traced")).Switch();
/// Greenlet.SetTrace(null);
/// </code></example>
public enum GreenletTraceEvent
{
    /// <summary>The target continues with a value.</summary>
    Switch,

    /// <summary>The target continues with an exception.</summary>
    Throw,
}
