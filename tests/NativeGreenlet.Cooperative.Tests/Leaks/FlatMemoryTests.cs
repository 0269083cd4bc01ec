using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>What has ended, or was given up, keeps nothing.</summary>
public class FlatMemoryTests
{
    private const int Rounds = 10_000;
    private const int Parts = 6; // one test of all would take too long beside other suites

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(40);

    public static TheoryData<string> IoKinds => new(IoOperations.Kinds);

    public static TheoryData<int> AllParts => new(Enumerable.Range(0, Parts));

    [Theory]
    [MemberData(nameof(AllParts))]
    public void Nothing_grows_over_ten_thousand_rounds_of_every_operation(int part) =>
        WithOperations(operations => Assert.Equal([], Growth.FindAll(operations.Where((_, index) => index % Parts == part), Rounds)));

    [Theory]
    [MemberData(nameof(IoKinds))]
    public void Nothing_grows_over_ten_thousand_rounds_of_input_and_output(string kind) =>
        WithIo(operations => Assert.Equal([], Growth.FindAll(operations.Of(kind), Rounds)));

    /// <summary>As often as a busy server gives up within an hour what it waits for, say its own shutdown.</summary>
    [Fact]
    public void Two_hundred_thousand_waits_that_are_given_up_leave_nothing_on_what_goes_on() => WithOperations(operations =>
    {
        string[] names = ["Hub.Await", "Hub.WaitAny", "Hub.WaitEach", "Hub.Wait", "Hub.OnSignal", "GreenTask.Join", "GreenEvent.Wait", "GreenTask.Kill GreenEvent.Wait", "GreenCompletionSource`1.Wait", "GreenLock.TryEnter"];
        Operation[] long_lived = [.. operations.Where(operation => names.Contains(operation.Members))];
        Assert.InRange(long_lived.Length, 12, 30);
        Assert.All(long_lived, operation => Assert.Null(Growth.TryFind(operation, 200_000)));
    });

    [Fact]
    public void Where_continuations_cannot_be_removed_nothing_is_left_either()
    {
        TaskContinuation.CanRemove = false;
        try
        {
            InHub.Run(() =>
            {
                TaskCompletionSource<int> never = new();
                Assert.Null(Growth.TryFind(new Operation("Hub.Await", () => Hub.Await(never.Task, TimeSpan.FromTicks(1))), 10_000));
                GreenTask<int> waiter = Hub.Spawn(() => Hub.Await(never.Task));
                Hub.Yield();
                never.SetResult(1);
                Assert.Equal(1, waiter.Result);
            });
        }
        finally
        {
            TaskContinuation.CanRemove = true;
        }
    }

    [Fact]
    public void The_exception_of_a_task_that_was_given_up_is_nobodys()
    {
        int unobserved = 0;
        EventHandler<UnobservedTaskExceptionEventArgs> count = (_, e) => unobserved += e.Exception.InnerException is FormatException ? 1 : 0;
        TaskScheduler.UnobservedTaskException += count;
        try
        {
            InHub.Run(GiveUp);
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Equal(0, unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= count;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void GiveUp()
        {
            TaskCompletionSource source = new();
            for (int i = 0; i < 3; i++)
            {
                Assert.False(Hub.Await(source.Task, TimeSpan.FromTicks(1)));
            }

            source.SetException(new FormatException());
        }
    }

    /// <summary>What a closure captured goes when its task has ended, whoever keeps the task or an object that it used.</summary>
    [Fact]
    public void A_closure_of_what_has_ended_is_collected()
    {
        List<object> kept = [];
        (string Name, Action<byte[]> Use)[] uses =
        [
            ("a task", data => InHub.Run(() => Keep(Hub.Spawn(() => { data[0] = 1; })).Join())),
            ("a task with a result", data => InHub.Run(() => Keep(Hub.Spawn(() => data.Length)).Join())),
            ("a failed task", data => InHub.Run(() =>
            {
                GreenTask task = Keep(Hub.Spawn(() => throw new FormatException($"{data.Length}")));
                _ = task.AsTask().ContinueWith(failed => failed.Exception, TaskScheduler.Default);
                task.Join();
            })),
            ("a killed task that never ran", data => InHub.Run(() => Keep(Hub.SpawnLater(InHub.Long, () => { data[0] = 1; })).Kill())),
            ("a task with callbacks", data => InHub.Run(() =>
            {
                GreenTask task = Keep(Hub.Spawn(() => { }));
                task.OnCompleted(() => data[0] = 1);
                task.Join();
                Hub.Yield();
            })),
            ("a task of a pool", data => InHub.Run(() => Keep(new GreenPool(1).Spawn(() => { data[0] = 1; })).Join())),
            ("a run and a lock", data =>
            {
                GreenLock gate = Keep(new GreenLock());
                Hub.RunAsync(() => { using GreenLock.Scope held = gate.EnterScope(); data[0] = 1; }).Wait();
            }),
            ("the result of a run, and a lock", data =>
            {
                GreenLock gate = Keep(new GreenLock());
                Hub.RunAsync(() =>
                {
                    using GreenLock.Scope held = gate.EnterScope();
                    return data;
                }).Wait();
            }),
            ("sixteen runs and a queue", data =>
            {
                GreenQueue<int> queue = Keep(new GreenQueue<int>());
                Task.WaitAll([.. Enumerable.Range(0, 16).Select(_ => Hub.RunAsync(() =>
                {
                    queue.Put(data.Length);
                    Hub.Sleep(InHub.Tick);
                    queue.Get();
                }))]);
            }),
            ("an asynchronous run", data => HubPool.Shared.Hubs[0].InvokeAsync(async () => { await Task.Yield(); data[0] = 1; }, CancellationToken.None).Wait()),
            ("a wait that was given up", data => InHub.Run(() =>
            {
                TaskCompletionSource never = Keep(new TaskCompletionSource());
                GreenTask task = Hub.Spawn(() =>
                {
                    Hub.Await(never.Task);
                    data[0] = 1;
                });
                Hub.Yield();
                task.Kill();
            })),
            ("a signal handler", data => InHub.Run(() => Keep(Hub.OnSignal(System.Runtime.InteropServices.PosixSignal.SIGINT, () => data[0] = 1)))),
            ("a hub that was disposed of", data =>
            {
                Hub hub = Keep(Hub.Start());
                hub.InvokeAsync(() => data[0] = 1).Wait();
                hub.Post(() => data[0] = 1);
                hub.Dispose();
            }),
        ];
        foreach ((string name, Action<byte[]> use) in uses)
        {
            WeakReference data = Use(use);
            Assert.True(IsCollected(data), name);
        }

        GC.KeepAlive(kept);

        T Keep<T>(T what)
            where T : notnull
        {
            kept.Add(what);
            return what;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Use(Action<byte[]> use)
        {
            byte[] data = new byte[10_000];
            use(data);
            return new WeakReference(data);
        }

        static bool IsCollected(WeakReference reference)
        {
            for (int i = 0; i < 200 && reference.IsAlive; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(5);
            }

            return !reference.IsAlive;
        }
    }

    private static void WithOperations(Action<IEnumerable<Operation>> body) => Operations.With(body, s_patience);

    private static void WithIo(Action<IoOperations> body) => IoOperations.With(body, s_patience);
}
