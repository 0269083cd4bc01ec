namespace NativeGreenlet;

/// <summary>Which <see cref="ExecutionContext"/> (the values of <see cref="AsyncLocal{T}"/>) a new greenlet has.</summary>
/// <example><code>
/// AsyncLocal&lt;string&gt; user = new() { Value = "ada" };
/// Greenlet greenlet = new(_ =&gt; user.Value, new GreenletOptions { ContextFlow = ContextFlow.Capture });
/// Console.WriteLine(greenlet.Switch()); // ada
/// </code></example>
public enum ContextFlow
{
    /// <summary>A copy of its creator's, as for a new thread or task. The default.</summary>
    Capture,

    /// <summary>An empty one, as greenlet does.</summary>
    Empty,

    /// <summary>Its creator's own: changes made in either are seen by both.</summary>
    Share,
}
