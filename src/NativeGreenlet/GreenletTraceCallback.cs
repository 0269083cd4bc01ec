namespace NativeGreenlet;

/// <summary>
/// Called after each switch of a thread, in the target, before the target's code continues. If it throws, tracing is
/// turned off and the target sees that exception instead of what was sent. Mirrors <c>greenlet.settrace</c>.
/// </summary>
/// <example><code>
/// int switches = 0;
/// GreenletTraceCallback? previous = Greenlet.SetTrace((kind, origin, target) =&gt; switches++);
/// new Greenlet(() =&gt; { }).Switch();
/// Greenlet.SetTrace(previous);
/// Console.WriteLine(switches);
/// </code></example>
/// <param name="kind">Whether the target continues with a value or with an exception.</param>
/// <param name="origin">The greenlet that was left.</param>
/// <param name="target">The greenlet that continues, or begins: then its body has not been entered yet.</param>
public delegate void GreenletTraceCallback(GreenletTraceEvent kind, Greenlet origin, Greenlet target);
