using System.Collections.Concurrent;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Who is told when a task goes on and has parked.</summary>
public class ObserverTests
{
    [Fact]
    public void Each_slice_of_a_task_is_told() => InHub.Run(() =>
    {
        Observer observer = new();
        GreenTask task = Hub.Spawn(() =>
        {
            observer.Told.Add("body");
            Hub.Yield();
            observer.Told.Add("body");
            Hub.Sleep(InHub.Tick);
            observer.Told.Add("body");
        });
        task.Observer = observer;
        GreenTask other = Hub.Spawn(() => Hub.Sleep(InHub.Tick));
        Hub.WaitAll(task, other);
        Assert.Equal(["goes on", "body", "parked", "goes on", "body", "parked", "goes on", "body", "ended"], observer.Told);
    });

    [Fact]
    public void A_task_that_sets_its_own_is_told_at_once_and_its_children_have_it() => InHub.Run(() =>
    {
        Observer first = new();
        Observer second = new();
        Hub.CurrentTask.Observer = first;
        Assert.Equal(["goes on"], first.Told);
        GreenTask child = Hub.Spawn(() => { });
        Assert.Same(first, child.Observer);
        Hub.CurrentTask.Observer = second;
        Assert.Equal(["goes on", "parked"], first.Told);
        child.Join();
        Assert.Equal(["goes on", "parked", "goes on"], second.Told);
        Assert.Equal(["goes on", "parked", "goes on", "ended"], first.Told);
        Hub.CurrentTask.Observer = null;
        Hub.Yield();
        Assert.Equal(["goes on", "parked", "goes on", "parked"], second.Told);
    });

    [Fact]
    public void An_asynchronous_body_and_its_continuations_are_told() => InHub.OnThread(() =>
    {
        Observer observer = new();
        Hub.Run(async () =>
        {
            Hub.CurrentTask.Observer = observer;
            await Task.Delay(1);
            Assert.Same(observer, Hub.CurrentTask.Observer);
            Assert.True(observer.IsOn);
        });
        Assert.False(observer.IsOn);
    });

    // Under kills, failures, timeouts, waits in catch blocks: pairs for each task, and nothing at the same time.
    [Fact]
    public void What_is_told_is_in_pairs() => InHub.Run(() =>
    {
        InHub.Unhandled();
        Observer observer = new();
        Random random = new(3);
        List<GreenTask> tasks = [];
        for (int i = 0; i < 300; i++)
        {
            int kind = random.Next(5);
            GreenTask task = Hub.Spawn(() =>
            {
                Assert.True(observer.IsOn);
                try
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(kind));
                    if (kind == 3)
                    {
                        throw new FormatException();
                    }

                    Hub.Await(Task.Delay(kind));
                }
                finally
                {
                    Hub.Yield();
                    Assert.True(observer.IsOn);
                }
            });
            task.Observer = observer;
            tasks.Add(task);
            if (kind == 4)
            {
                Hub.Yield();
                tasks[random.Next(tasks.Count)].Kill();
            }
        }

        Hub.WaitAll([.. tasks]);
        Assert.False(observer.IsOn);
        Assert.Equal(0, observer.Mistakes);
        Assert.Equal(observer.Told.Count(each => each == "goes on"), observer.Told.Count(each => each is "parked" or "ended"));
    });

    [Fact]
    public void An_observer_that_fails_or_waits_is_reported_and_the_task_goes_on() => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> unhandled = InHub.Unhandled();
        GreenTask<int> task = Hub.Spawn(() => 3);
        task.Observer = new Failing();
        Assert.Equal(3, task.Result);
        Assert.Contains(unhandled, each => each is BlockingSwitchOutException);
        Assert.Contains(unhandled, each => each is FormatException);
    });

    [Fact]
    public void The_beginning_and_the_end_of_a_task_are_told_on_its_own_stack() => InHub.Run(() =>
    {
        ThreadObserver observer = new();
        int thread = 0;
        GreenTask task = Hub.Spawn(() =>
        {
            thread = Environment.CurrentManagedThreadId;
            Hub.Yield();
        });
        task.Observer = observer;
        task.Join();
        Hub.Yield();
        Assert.Equal([$"enters {thread}", $"leaves {thread}, ended"], observer.Told);
    });

    [Fact]
    public async Task Only_its_hub_can_set_it()
    {
        using Hub hub = Hub.Start("observed");
        GreenTask? task = null;
        Task run = hub.InvokeAsync(() =>
        {
            task = Hub.CurrentTask;
            Hub.Sleep(TimeSpan.FromMilliseconds(100));
        });
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref task) is not null, InHub.Long));
        Assert.Contains("hub.Post", Assert.Throws<InvalidOperationException>(() => task!.Observer = new Observer()).Message, StringComparison.Ordinal);
        await run;
    }

    private sealed class Observer : IGreenTaskObserver
    {
        private GreenTask? _current;

        public List<string> Told { get; } = [];

        public int Mistakes { get; private set; }

        public bool IsOn => _current is not null;

        public void GoingOn(GreenTask task)
        {
            Mistakes += _current is null && !task.IsCompleted ? 0 : 1;
            _current = task;
            Told.Add("goes on");
        }

        public void Parked(GreenTask task)
        {
            Mistakes += _current == task ? 0 : 1;
            _current = null;
            Told.Add(task.IsCompleted ? "ended" : "parked");
        }
    }

    private sealed class ThreadObserver : IGreenTaskObserver
    {
        public List<string> Told { get; } = [];

        public void GoingOn(GreenTask task)
        {
        }

        public void Parked(GreenTask task)
        {
        }

        public void Entering(GreenTask task) => Told.Add($"enters {Environment.CurrentManagedThreadId}");

        public void Leaving(GreenTask task) => Told.Add($"leaves {Environment.CurrentManagedThreadId}{(task.IsCompleted ? ", ended" : string.Empty)}");
    }

    private sealed class Failing : IGreenTaskObserver
    {
        public void GoingOn(GreenTask task) => Hub.Sleep(InHub.Tick);

        public void Parked(GreenTask task) => throw new FormatException();
    }
}
