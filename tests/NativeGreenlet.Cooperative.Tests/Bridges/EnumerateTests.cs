using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Bridges;

/// <summary>Asynchronous sequences in a task, and the sequences of tasks in asynchronous code.</summary>
public class EnumerateTests
{
    [Fact]
    public void Items_come_in_order_and_others_run_meanwhile() => InHub.Run(() =>
    {
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Hub.Spawn(() =>
        {
            Hub.Sleep(InHub.Tick);
            gate.SetResult();
        });
        Assert.Equal([0, 1, 2], Hub.Enumerate(Items()));

        async IAsyncEnumerable<int> Items()
        {
            yield return 0;
            await gate.Task;
            yield return 1;
            await Task.Yield();
            yield return 2;
        }
    });

    [Fact]
    public void What_the_sequence_throws_arrives_unchanged() => InHub.Run(() =>
    {
        FormatException error = new();
        Assert.Same(error, Assert.Throws<FormatException>(() => Hub.Enumerate(Items()).Count()));

        async IAsyncEnumerable<int> Items()
        {
            yield return 0;
            await Task.Yield();
            throw error;
        }
    });

    [Fact]
    public void Leaving_the_loop_disposes_of_the_enumerator_and_waits_for_that() => InHub.Run(() =>
    {
        bool isDisposed = false;
        foreach (int item in Hub.Enumerate(Items()))
        {
            Assert.Equal(0, item);
            break;
        }

        Assert.True(isDisposed);

        async IAsyncEnumerable<int> Items([EnumeratorCancellation] CancellationToken token = default)
        {
            try
            {
                yield return 0;
            }
            finally
            {
                await Task.Delay(5, CancellationToken.None);
                Assert.False(token.IsCancellationRequested);
                isDisposed = true;
            }
        }
    });

    /// <summary>A kill cancels the token, and waits for the end of the pending item; only then is the enumerator disposed of.</summary>
    [Fact]
    public void A_kill_cancels_the_pending_item_and_waits_for_its_end() => InHub.Run(() =>
    {
        RecordingSequence sequence = new();
        GreenTask task = Hub.Spawn(() =>
        {
            foreach (int item in Hub.Enumerate(sequence))
            {
                Assert.Fail("There is no item.");
            }
        });
        while (!sequence.HasBegun)
        {
            Hub.Yield();
        }

        task.Kill();
        Assert.True(task.IsKilled);
        Assert.Equal(["cancelled", "ended", "disposed"], sequence.Events);
    });

    [Fact]
    public void A_killed_task_does_not_ask_for_an_item() => InHub.Run(() =>
    {
        RecordingSequence sequence = new();
        GreenTask task = Hub.Spawn(() =>
        {
            Hub.Current.Loop.CurrentTask!.Kill(timeout: TimeSpan.Zero);
            foreach (int item in Hub.Enumerate(sequence))
            {
                Assert.Fail("There is no item.");
            }
        });
        task.Join();
        Assert.True(task.IsKilled);
        Assert.False(sequence.HasBegun);
    });

    [Fact]
    public void Outside_of_hubs_it_says_so()
    {
        Assert.Throws<ArgumentNullException>(() => Hub.Enumerate<int>(null!));
        Assert.Throws<MissingHubException>(() => Hub.Enumerate(AsyncEnumerable.Range(0, 1)).First());
    }

    [Fact]
    public async Task A_green_sequence_runs_in_its_hub_and_computes_nothing_in_advance()
    {
        using Hub hub = Hub.Start();
        int computed = 0;
        HashSet<int> threads = [];
        await foreach (int item in Items().RunInHub(hub))
        {
            Assert.Equal(item, computed);
            await Task.Delay(2);
            Assert.Equal(item, computed);
        }

        Assert.Equal(3, computed);
        if (GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            Assert.Equal([hub.ThreadId], threads);
        }

        IEnumerable<int> Items()
        {
            while (computed < 3)
            {
                Hub.Sleep(InHub.Tick);
                threads.Add(Environment.CurrentManagedThreadId);
                yield return ++computed;
            }
        }
    }

    [Fact]
    public async Task Leaving_the_loop_or_its_token_stops_a_green_sequence()
    {
        int ended = 0;
        await foreach (int item in Items().RunInHub())
        {
            break;
        }

        Assert.Equal(1, ended);
        using CancellationTokenSource cancellation = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (int item in Items().RunInHub().WithCancellation(cancellation.Token))
            {
                await cancellation.CancelAsync();
            }
        });
        Assert.Equal(2, ended);

        IEnumerable<int> Items()
        {
            try
            {
                yield return 1;
                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                Hub.Yield();
                ended++;
            }
        }
    }

    [Fact]
    public async Task A_green_sequence_passes_its_exception_on()
    {
        FormatException error = new();
        Assert.Same(error, await Assert.ThrowsAsync<FormatException>(async () =>
        {
            await foreach (int item in Items().RunInHub())
            {
                Assert.Equal(1, item);
            }
        }));

        IEnumerable<int> Items()
        {
            yield return 1;
            throw error;
        }
    }

    // Its one item never comes, and ends some time after it was cancelled.
    private sealed class RecordingSequence : IAsyncEnumerable<int>, IAsyncEnumerator<int>
    {
        private CancellationToken _token;
        private volatile bool _hasBegun;

        public bool HasBegun => _hasBegun;

        public List<string> Events { get; } = [];

        public int Current => 0;

        public IAsyncEnumerator<int> GetAsyncEnumerator(CancellationToken cancellationToken = default)
        {
            _token = cancellationToken;
            return this;
        }

        public async ValueTask<bool> MoveNextAsync()
        {
            _hasBegun = true;
            try
            {
                await Task.Delay(Timeout.Infinite, _token);
            }
            catch (OperationCanceledException)
            {
                Add("cancelled");
            }

            await Task.Delay(20, CancellationToken.None);
            Add("ended");
            return false;
        }

        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            Add("disposed");
        }

        private void Add(string what)
        {
            lock (Events)
            {
                Events.Add(what);
            }
        }
    }
}
