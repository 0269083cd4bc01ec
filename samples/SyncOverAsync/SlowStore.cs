namespace NativeGreenlet.SyncOverAsync;

/// <summary>Answers only when a number of callers wait at the same time: so it is seen that they do, and on which
/// threads.</summary>
internal sealed class SlowStore(int callers) : IStore
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiting;

    public async Task<int> ReadAsync(string key, CancellationToken cancellation)
    {
        Task all;
        lock (_lock)
        {
            all = _all.Task;
            if (++_waiting == callers)
            {
                _waiting = 0;
                _all.SetResult();
                _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        await all.WaitAsync(cancellation).ConfigureAwait(false);
        return key.StartsWith("price", StringComparison.Ordinal) ? 45 : 3;
    }
}
