using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative;

/// <summary>Brings reports of progress to the hub in which it was made: <see cref="IProgress{T}"/> whose callback runs on the hub's
/// thread, in the order of the reports.</summary>
/// <remarks>The callback runs between tasks and must not wait; it may start tasks by <see cref="Hub.Spawn(Action)"/>. What it throws is
/// told by <see cref="Hub.UnhandledException"/>. Reports that come when the hub has ended are dropped.</remarks>
/// <typeparam name="T">The type of the reports.</typeparam>
/// <example><code>
/// Hub.Run(() =>
/// {
///     GreenProgress&lt;int&gt; progress = new(percent => Console.WriteLine($"{percent} %"));
///     Hub.Offload(() => ((IProgress&lt;int&gt;)progress).Report(50)); // from any thread
///     Hub.Yield();
/// });
/// </code></example>
public sealed class GreenProgress<T> : IProgress<T>
{
    private readonly Action<T> _callback;
    private readonly HubLoop _loop;
    private readonly RootTask? _run;

    /// <summary>Creates one for the caller's hub.</summary>
    /// <param name="callback">What is called for each report, in the hub's thread.</param>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public GreenProgress(Action<T> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        _callback = callback;
        _loop = HubLoop.OfThisThreadOrNull ?? throw new MissingHubException();
        _run = _loop.CurrentRun;
    }

    /// <summary>Lets the hub call the callback soon; from any thread. Does not wait for it.</summary>
    /// <param name="value">The report.</param>
    public void Report(T value)
    {
        if (_run is { } run)
        {
            _loop.PostFor(run, () => _callback(value));
        }
        else
        {
            _loop.TryPost(() => _callback(value));
        }
    }
}
