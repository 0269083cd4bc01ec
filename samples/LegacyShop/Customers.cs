namespace NativeGreenlet.LegacyShop;

/// <summary>Many customers who ask at the same time. The supplier answers when all of their questions have come, or when it has waited long.</summary>
internal sealed class Customers : IDisposable
{
    private const int FewThreads = 40;

    private readonly int _count;
    private readonly TimeSpan _patience;
    private readonly TaskCompletionSource _haveAllCome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HttpClient _http = new();
    private int _waiting;
    private int _most;
    private int _threads;

    public Customers(int count, TimeSpan patience)
    {
        _count = count;
        _patience = patience;
    }

    /// <summary>How many of them the supplier had at a time.</summary>
    public int Most => _most;

    /// <summary>Whether the process had few threads when it had most of them.</summary>
    public bool HadFewThreads => _threads < FewThreads;

    public void Dispose() => _http.Dispose();

    /// <summary>What the supplier does for an answer.</summary>
    public async Task WaitAsync()
    {
        int waiting = Interlocked.Increment(ref _waiting);
        lock (_haveAllCome)
        {
            if (waiting > _most)
            {
                _most = waiting;
                _threads = Threads();
            }
        }

        if (waiting == _count)
        {
            _haveAllCome.TrySetResult();
        }

        await Task.WhenAny(_haveAllCome.Task, Task.Delay(_patience));
        _haveAllCome.TrySetResult(); // who comes later need not wait
        Interlocked.Decrement(ref _waiting);
    }

    /// <summary>Asks the shop; whether all answers are right.</summary>
    public async Task<bool> AskAsync(string shop)
    {
        string[] answers = await Task.WhenAll(Enumerable.Range(1, _count).Select(product => _http.GetStringAsync(new Uri($"{shop}/quote/{product}"))));
        return answers.Select((answer, i) => answer == $"product {i + 1} costs {(i + 1) * 10}, {(i + 1) * 2} left, 5 sold").All(isRight => isRight);
    }

    private static int Threads()
    {
        using System.Diagnostics.Process process = System.Diagnostics.Process.GetCurrentProcess();
        return process.Threads.Count;
    }
}
