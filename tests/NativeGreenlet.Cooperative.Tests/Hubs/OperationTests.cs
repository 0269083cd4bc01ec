using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>What is given up is cancelled, and its end waited for, before the exception leaves.</summary>
public class OperationTests
{
    // Every form, each with an operation that needs a while to end when it is cancelled.
    private static readonly Dictionary<string, Action<Func<CancellationToken, Task>>> s_forms = new()
    {
        ["Task"] = begin => Hub.Await(begin),
        ["Task<T>"] = begin => Hub.Await(token => WithResult(begin(token))),
        ["ValueTask"] = begin => Hub.Await(token => new ValueTask(begin(token))),
        ["ValueTask<T>"] = begin => Hub.Await(token => new ValueTask<int>(WithResult(begin(token)))),
        ["for a time"] = begin => Hub.Await(begin, InHub.Long),
        ["with a result to dispose of"] = begin => Hub.Await(token => WithResult(begin(token)), _ => { }),
        ["GreenStream.Read"] = begin => new GreenStream(new CallbackStream(begin)).ReadByte(),
        ["GreenStream.Write"] = begin => new GreenStream(new CallbackStream(begin)).WriteByte(1),
        ["GreenStream.Flush"] = begin => new GreenStream(new CallbackStream(begin)).Flush(),
    };

    public static TheoryData<string> Forms => new(s_forms.Keys);

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_kill_waits_for_the_end_of_the_operation(string form) => InHub.Run(() =>
    {
        Operation operation = new();
        GreenTask task = Hub.Spawn(() => operation.Use(s_forms[form]));
        Hub.Yield();
        Assert.True(operation.IsUsed);
        Assert.True(task.Kill(timeout: InHub.Long));
        Assert.True(task.IsKilled && operation.WasCancelled && operation.HasUnwound);
        Assert.False(operation.WasUsedAtTheEnd);
    });

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_timeout_waits_for_the_end_of_the_operation(string form) => InHub.RunInStillTime(time =>
    {
        Operation operation = new();
        GreenTask<bool> task = Hub.Spawn(() => GreenTimeout.TryRun(InHub.Tick * 5, () => operation.Use(s_forms[form])));
        Hub.Await(operation.Begun);
        time.Advance(InHub.Tick * 5);
        Assert.False(task.Result);
        Assert.True(operation.WasCancelled && operation.HasUnwound);
        Assert.False(operation.WasUsedAtTheEnd);
    });

    [Fact]
    public void Results_and_exceptions_come_through_and_what_is_over_costs_no_switch() => InHub.Run(() =>
    {
        Assert.Equal(1, Hub.Await(_ => Task.FromResult(1)));
        Assert.Equal(2, Hub.Await(async token =>
        {
            await Task.Delay(1, token);
            return 2;
        }));
        Assert.Equal(3, Hub.Await(_ => ValueTask.FromResult(3)));
        Hub.Await(_ => default(ValueTask));
        Hub.Await(_ => Task.CompletedTask);
        InvalidDataException exception = new();
        Assert.Same(exception, Assert.Throws<InvalidDataException>(() => Hub.Await(async _ =>
        {
            await Task.Yield();
            throw exception;
        })));
        Assert.Same(exception, Assert.Throws<InvalidDataException>(() => Hub.Await(_ => throw exception)));
        Assert.Throws<ArgumentNullException>(() => Hub.Await((Func<CancellationToken, Task>)null!));
        Assert.Throws<InvalidOperationException>(() => Hub.Await(_ => (Task)null!));
        Assert.Throws<MissingHubException>(() => Task.Run(() => Hub.Await(_ => Task.CompletedTask)).GetAwaiter().GetResult());
    });

    [Fact]
    public void A_time_that_is_up_cancels_and_an_operation_that_succeeds_then_counts() => InHub.Run(() =>
    {
        Assert.True(Hub.Await(_ => Task.Delay(1, CancellationToken.None), InHub.Long));
        Operation operation = new();
        Assert.False(Hub.Await(operation.RunAsync, InHub.Tick));
        Assert.True(operation.WasCancelled);
        Assert.False(operation.IsUsed);
        Assert.True(Hub.Await(
            async token =>
            {
                await Task.Delay(Timeout.Infinite, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            },
            InHub.Tick));
    });

    [Fact]
    public void A_result_that_comes_too_late_can_be_disposed_of() => InHub.Run(() =>
    {
        MemoryStream late = new();
        using ManualResetEventSlim disposed = new();
        GreenTask task = Hub.Spawn(() => Hub.Await(
            async token =>
            {
                await Task.Delay(Timeout.Infinite, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return late;
            },
            each =>
            {
                each.Dispose();
                disposed.Set();
            }));
        Hub.Yield();
        Assert.True(task.Kill(timeout: InHub.Long));
        Assert.True(task.IsKilled && disposed.Wait(InHub.Long));
        Assert.False(late.CanRead);
    });

    [Fact]
    public void An_outer_timeout_is_not_lost_while_an_inner_one_waits_for_the_end() => InHub.RunInStillTime(time =>
    {
        Operation operation = new(endsByItself: false);
        bool inner = true;
        GreenTask<bool> outer = Hub.Spawn(() => GreenTimeout.TryRun(InHub.Tick * 30, () =>
        {
            inner = GreenTimeout.TryRun(InHub.Tick * 5, () => Hub.Await(operation.RunAsync));
        }));
        Hub.Await(operation.Begun);
        time.Advance(InHub.Tick * 5);
        Hub.Await(operation.Cancelled);
        InHub.Elapse(time, InHub.Tick * 25);
        operation.End();
        Assert.False(outer.Result);
        Assert.True(inner); // it was never assigned: the outer one went through
        Assert.False(operation.IsUsed);
    });

    [Fact]
    public void A_kill_is_not_lost_while_a_timeout_waits_for_the_end() => InHub.RunInStillTime(time =>
    {
        Operation operation = new(endsByItself: false);
        GreenTask<bool> task = Hub.Spawn(() => GreenTimeout.TryRun(InHub.Tick * 5, () => Hub.Await(operation.RunAsync)));
        Hub.Await(operation.Begun);
        time.Advance(InHub.Tick * 5);
        Hub.Await(operation.Cancelled);
        Assert.False(task.Kill(timeout: TimeSpan.Zero));
        operation.End();
        task.Join();
        Assert.True(task.IsKilled);
        Assert.False(operation.IsUsed);
    });

    [Fact]
    public void A_timeout_does_not_replace_the_kill_that_waits_for_the_end() => InHub.RunInStillTime(time =>
    {
        Operation operation = new(endsByItself: false);
        GreenTask<bool> task = Hub.Spawn(() => GreenTimeout.TryRun(InHub.Tick * 20, () => Hub.Await(operation.RunAsync)));
        Hub.Await(operation.Begun);
        Assert.False(task.Kill(timeout: TimeSpan.Zero));
        Hub.Await(operation.Cancelled);
        InHub.Elapse(time, InHub.Tick * 20);
        operation.End();
        task.Join();
        Assert.True(task.IsKilled); // TryRun would have caught the timeout
        Assert.False(operation.IsUsed);
    });

    [Fact]
    public void An_operation_that_ignores_its_token_is_left_behind_after_the_grace() => InHub.Run(
        () =>
        {
            TaskCompletionSource never = new();
            Stopwatch watch = Stopwatch.StartNew();
            GreenTask task = Hub.Spawn(() => Hub.Await(_ => never.Task));
            Hub.Yield();
            Assert.True(task.Kill(timeout: InHub.Long));
            Assert.True(task.IsKilled);
            Assert.True(watch.Elapsed > InHub.Tick * 40);
            never.SetException(new InvalidDataException()); // nobody's any more
        },
        new HubOptions { ShutdownGrace = InHub.Tick * 50 });

    [Fact]
    public void Callbacks_of_the_token_do_not_block_the_hub() => InHub.Run(() =>
    {
        using ManualResetEventSlim isFree = new();
        bool wentOn = false;
        GreenTask task = Hub.Spawn(() => Hub.Await(async token =>
        {
            TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration registration = token.Register(() =>
            {
                isFree.Wait(InHub.Long); // as a driver that asks the server by another connection
                cancelled.SetResult();
            });
            await cancelled.Task;
        }));
        Hub.Yield();
        task.Kill(timeout: TimeSpan.Zero);
        Hub.Sleep(InHub.Tick * 5);
        wentOn = !task.IsCompleted;
        isFree.Set();
        Assert.True(task.Join(InHub.Long));
        Assert.True(wentOn);
    });

    [Fact]
    public async Task The_cancellation_of_a_run_reaches_the_operation()
    {
        using CancellationTokenSource cancellation = new();
        Operation operation = new();
        Task run = Hub.RunAsync(() => operation.Use(begin => Hub.Await(begin)), cancellation.Token);
        await operation.Begun.WaitAsync(InHub.Patience);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(InHub.Patience));
        Assert.True(operation.WasCancelled);
        Assert.False(operation.WasUsedAtTheEnd);
    }

    private static async Task<int> WithResult(Task task)
    {
        await task;
        return 1;
    }

    private sealed class Operation(bool endsByItself = true)
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isUsed;

        public Task Begun => _begun.Task;

        public Task Cancelled => _cancelled.Task;

        public bool IsUsed => _isUsed;

        public bool WasCancelled { get; private set; }

        public bool WasUsedAtTheEnd { get; private set; }

        public bool HasUnwound { get; private set; }

        public void End() => _end.SetResult();

        // As `using` around a call.
        public void Use(Action<Func<CancellationToken, Task>> wait)
        {
            try
            {
                wait(RunAsync);
            }
            finally
            {
                WasUsedAtTheEnd = _isUsed;
                HasUnwound = true;
            }
        }

        public async Task RunAsync(CancellationToken token)
        {
            _isUsed = true;
            _begun.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, token).ConfigureAwait(false);
            }
            finally
            {
                WasCancelled = token.IsCancellationRequested;
                _cancelled.TrySetResult();
                await (endsByItself ? Task.Delay(20, CancellationToken.None) : _end.Task).ConfigureAwait(false);
                _isUsed = false;
            }
        }
    }

    /// <summary>A stream all of whose operations are one.</summary>
    private sealed class CallbackStream(Func<CancellationToken, Task> begin) : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await begin(cancellationToken);
            return 0;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await begin(cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => begin(cancellationToken);
    }
}
