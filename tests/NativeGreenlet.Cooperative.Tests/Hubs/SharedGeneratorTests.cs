using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Generators and coroutines that several tasks use, while their bodies wait in the hub.</summary>
public class SharedGeneratorTests
{
    [Fact]
    public void The_second_task_that_pulls_is_told_and_the_first_goes_on() => InHub.Run(() =>
    {
        GreenEvent go = new();
        GreenletGenerator<int> numbers = new(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                go.Wait();
                GreenletGenerator<int>.Yield(i);
            }
        });
        IEnumerator<int> shared = numbers.GetEnumerator();
        List<int> got = [];
        GreenTask first = Hub.Spawn(() =>
        {
            while (shared.MoveNext())
            {
                got.Add(shared.Current);
            }
        });
        Hub.Yield();
        for (int i = 0; i < 3; i++)
        {
            Assert.Contains("already", Assert.Throws<InvalidOperationException>(() => shared.MoveNext()).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(shared.Dispose);
            go.Set();
            go.Reset();
            Hub.Yield();
            Hub.Yield();
        }

        Assert.True(first.Join(InHub.Long) && first.IsSuccessful, first.Exception?.ToString());
        Assert.Equal([0, 1, 2], got);
        Assert.False(shared.MoveNext());
        shared.Dispose();
    });

    [Fact]
    public void Tasks_may_pull_in_turn() => InHub.Run(() =>
    {
        using IEnumerator<int> shared = new GreenletGenerator<int>(() =>
        {
            for (int i = 0; i < 6; i++)
            {
                Hub.Yield();
                GreenletGenerator<int>.Yield(i);
            }
        }).GetEnumerator();
        GreenLock gate = new();
        List<int> got = [];
        Hub.WaitAll(Enumerable.Range(0, 3).Select(_ => Hub.Spawn(() =>
        {
            bool goesOn = true;
            while (goesOn)
            {
                using (gate.EnterScope())
                {
                    goesOn = shared.MoveNext();
                    if (goesOn)
                    {
                        got.Add(shared.Current);
                    }
                }

                Hub.Yield();
            }
        })));
        Assert.Equal([0, 1, 2, 3, 4, 5], got);
    });

    [Fact]
    public void The_second_task_that_resumes_is_told_and_the_first_goes_on() => InHub.Run(() =>
    {
        GreenEvent go = new();
        Coroutine<int, int> doubling = new((self, value) =>
        {
            while (value >= 0)
            {
                go.Wait();
                value = self.Yield(value * 2);
            }

            return -1;
        });
        List<int> got = [];
        GreenTask first = Hub.Spawn(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                got.Add(doubling.Resume(i));
            }
        });
        Hub.Yield();
        for (int i = 0; i < 3; i++)
        {
            Assert.Contains("already", Assert.Throws<InvalidOperationException>(() => doubling.Resume(77)).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(doubling.Dispose);
            go.Set();
            go.Reset();
            Hub.Yield();
            Hub.Yield();
        }

        Assert.True(first.Join(InHub.Long) && first.IsSuccessful, first.Exception?.ToString());
        Assert.Equal([0, 2, 4], got);
        go.Set();
        Assert.Equal(10, doubling.Resume(5));
        Assert.Equal(-1, doubling.Resume(-5));
        doubling.Dispose();
    });

    [Fact]
    public void One_whose_user_is_killed_while_the_body_waits_has_ended() => InHub.Run(() =>
    {
        Coroutine<int, int> waiting = new((_, value) =>
        {
            Hub.Sleep(InHub.Long);
            return value;
        });
        GreenTask user = Hub.Spawn(() => waiting.Resume(1));
        Hub.Yield();
        Assert.True(user.Kill(timeout: InHub.Long));
        Assert.True(user.IsKilled && waiting.IsDead);
    });
}
