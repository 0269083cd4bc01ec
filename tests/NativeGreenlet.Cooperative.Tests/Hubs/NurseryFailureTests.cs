using System.Collections.Concurrent;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Several things fail in a nursery: one exception leaves it, and no other is lost. And it is used from several hubs.</summary>
public class NurseryFailureTests
{
    private static readonly FormatException s_own = new("the scope's own");
    private static readonly TimeZoneNotFoundException s_first = new("the first child's");
    private static readonly InvalidTimeZoneException s_second = new("the second child's");

    [Fact]
    public void The_scope_and_then_a_child_fail() => Check(
        nursery =>
        {
            nursery.Spawn(() => FailInCleanup(s_first));
            Hub.Yield();
            throw s_own;
        },
        s_own,
        s_first);

    [Fact]
    public void A_child_and_then_the_scope_fail() => Check(
        nursery =>
        {
            nursery.Spawn(() => throw s_first);
            Hub.Yield();
            throw s_own;
        },
        s_own,
        s_first);

    [Fact]
    public void Two_children_fail() => Check(
        nursery =>
        {
            nursery.Spawn(() => FailInCleanup(s_second));
            nursery.Spawn(() => throw s_first);
        },
        s_first,
        s_second);

    [Fact]
    public void All_of_them_fail() => Check(
        nursery =>
        {
            nursery.Spawn(() => FailInCleanup(s_second));
            nursery.Spawn(() => throw s_first);
            Hub.Yield();
            Hub.Yield();
            throw s_own;
        },
        s_own,
        s_second,
        s_first);

    [Fact]
    public void The_scope_throws_what_a_child_threw() => Check(
        nursery =>
        {
            GreenTask<int> child = nursery.Spawn<int>(() => throw s_first);
            _ = child.Result;
        },
        s_first);

    [Fact]
    public void The_scope_wraps_what_a_child_threw() => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        IOException thrown = Assert.Throws<IOException>(() => GreenNursery.Run(nursery =>
        {
            GreenTask child = nursery.Spawn(() => throw s_first);
            child.Join();
            throw new IOException("wrapped", child.Exception);
        }));
        Assert.Same(s_first, thrown.InnerException);
        Hub.Yield();
        Assert.Empty(heard);
    });

    [Fact]
    public void Who_is_killed_or_canceled_says_nothing_new() => Check(
        nursery =>
        {
            GreenTask<int> sleeper = nursery.Spawn(() =>
            {
                Hub.Sleep(Timeout.InfiniteTimeSpan);
                return 1;
            });
            nursery.Spawn(() => FailInCleanup(new OperationCanceledException()));
            nursery.Spawn(() => sleeper.Result);
            nursery.Spawn(async () => await Task.Delay(Timeout.Infinite));
            nursery.Spawn(() => throw s_first);
        },
        s_first);

    [Fact]
    public void The_task_is_killed_while_it_waits_for_its_children() => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        GreenTask task = Hub.Spawn(() => GreenNursery.Run(nursery => { nursery.Spawn(() => FailInCleanup(s_first)); }));
        Hub.Yield();
        Hub.Yield();
        task.Kill();
        Assert.True(task.IsKilled);
        Assert.Equal([s_first], heard);
    });

    [Theory]
    [InlineData("a child fails")]
    [InlineData("the scope fails")]
    [InlineData("the owner is killed")]
    public void Who_is_spawned_when_others_are_killed_never_begins(string what) => InHub.Run(() =>
    {
        bool hasBegun = false;
        GreenTask? late = null;
        GreenTask owner = Hub.Spawn(() => GreenNursery.Run(nursery =>
        {
            nursery.Spawn(() =>
            {
                try
                {
                    Hub.Sleep(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    late = nursery.Spawn(() =>
                    {
                        hasBegun = true;
                        Hub.Sleep(Timeout.InfiniteTimeSpan);
                    });
                }
            });
            nursery.Spawn(() =>
            {
                Hub.Yield();
                if (what == "a child fails")
                {
                    throw s_first;
                }
            });
            Hub.Yield();
            if (what == "the scope fails")
            {
                throw s_first;
            }
        }));
        owner.AsTask();
        Hub.Yield();
        Hub.Yield();
        if (what == "the owner is killed")
        {
            owner.Kill(timeout: TimeSpan.Zero);
        }

        Assert.True(owner.Join(InHub.Long), "the nursery waits for who was spawned too late");
        Assert.True(late!.IsKilled && !hasBegun);
        Assert.Equal(what == "the owner is killed" ? null : s_first, owner.Exception);
    });

    /// <summary>Children of four hubs spawn others and end, while the owner counts and waits.</summary>
    [Fact]
    public void Several_hubs_use_one()
    {
        int count = GreenletRuntime.Backend == GreenletBackend.Threads ? 50 : 500; // each is a thread there
        Hub[] hubs = [.. Enumerable.Range(0, 4).Select(i => Hub.Start($"hub {i}"))];
        InHub.Run(() =>
        {
            for (int round = 0; round < 20; round++)
            {
                int ended = 0;
                GreenNursery.Run(nursery =>
                {
                    Task[] spawning = [.. hubs.Select(hub => hub.InvokeAsync(() =>
                    {
                        GreenTask[] children = [.. Enumerable.Range(0, count).Select(_ => nursery.Spawn(() =>
                        {
                            Hub.Yield();
                            Interlocked.Increment(ref ended);
                        }))];
                        Hub.WaitAll(children); // a run that ends kills its tasks
                    }))];
                    while (!Task.WhenAll(spawning).IsCompleted)
                    {
                        Assert.InRange(nursery.Count, 0, hubs.Length * count);
                        Hub.Yield();
                    }
                });
                Assert.Equal(hubs.Length * count, ended);
            }
        });
        Array.ForEach(hubs, hub => hub.Dispose());
    }

    private static void Check(Action<GreenNursery> scope, Exception thrown, params Exception[] told) => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        Assert.Same(thrown, Record.Exception(() => GreenNursery.Run(scope)));
        Hub.Yield();
        Assert.Equal(told, heard);
    });

    private static void FailInCleanup(Exception exception)
    {
        try
        {
            Hub.Sleep(Timeout.InfiniteTimeSpan);
        }
        finally
        {
#pragma warning disable CA2219 // as cleanup may fail
            throw exception;
#pragma warning restore CA2219
        }
    }
}
