namespace NativeGreenlet.Hosting.Services;

/// <summary>The time that what runs has when the host stops: its own, or less if the host's is up.</summary>
internal sealed class Draining : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(1); // for what was killed, when the host's time is up

    private readonly CancellationTokenSource _end;

    public Draining(TimeSpan time, CancellationToken host)
    {
        _end = CancellationTokenSource.CreateLinkedTokenSource(host);
        _end.CancelAfter(time);
    }

    /// <summary>Is cancelled when the time is up.</summary>
    public CancellationToken Token => _end.Token;

    public void Dispose() => _end.Dispose();

    /// <summary>Waits until something is so, or the time is up.</summary>
    public async Task WaitAsync(Func<bool> isDone)
    {
        while (!isDone() && !Token.IsCancellationRequested)
        {
            await Task.Delay(s_look, Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits until a task has ended, or the time is up.</summary>
    public async Task WaitAsync(Task task)
    {
        if (!task.IsCompleted)
        {
            await task.WaitAsync(Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits for what was killed, until the host's time is up, but for a second at least. Tells whether it has ended. What it
    /// throws is not thrown.</summary>
    public static async Task<bool> HasEndedAsync(Task killed, CancellationToken host)
    {
        await Task.WhenAny(killed, Task.WhenAll(Task.Delay(s_least, CancellationToken.None), UntilAsync(host))).ConfigureAwait(false);
        _ = killed.Exception; // it was seen
        return killed.IsCompleted;
    }

    private static async Task UntilAsync(CancellationToken token) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
