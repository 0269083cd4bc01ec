using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Maps that are left before their end: no call begins any more, none goes on, all places are free.</summary>
public class LazyMapTests
{
    public enum Leaving
    {
        Break,
        Exception,
        Timeout,
        Kill,
    }

    public static TheoryData<bool, Leaving> Ways()
    {
        TheoryData<bool, Leaving> ways = [];
        foreach (Leaving way in Enum.GetValues<Leaving>())
        {
            ways.Add(true, way);
            ways.Add(false, way);
        }

        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Leaving_begins_nothing_and_leaves_nothing(bool isInOrder, Leaving how) => InHub.Run(() =>
    {
        for (int round = 0; round < 60; round++)
        {
            int size = 1 + (round % 3);
            int number = round;
            GreenPool pool = new(size);
            bool isBegun = false;
            bool isDisposed = false;
            bool isLeft = false;
            int beganAfter = 0;
            int running = 0;
            GreenTask user = Hub.Spawn(() =>
            {
                switch (how)
                {
                    case Leaving.Timeout:
                        GreenTimeout.TryRun(InHub.Tick * (1 + (number % 7)), Use);
                        break;
                    case Leaving.Exception:
                        Assert.Throws<InvalidTimeZoneException>((Action)Use);
                        break;
                    default:
                        Use();
                        break;
                }

                Check();
            });
            if (how == Leaving.Kill)
            {
                Hub.Sleep(InHub.Tick * (number % 7));
                user.Kill();
                Check();
            }
            else
            {
                Assert.True(user.Join(InHub.Long), "it hangs");
                Assert.True(user.IsSuccessful, user.Exception?.ToString());
            }

            Hub.Sleep(InHub.Tick);
            Assert.Equal(0, beganAfter);

            void Check()
            {
                isLeft = true;
                Assert.Equal((size, 0, 0), (pool.FreeCount, pool.Count, running));
                Assert.Equal(isBegun, isDisposed); // the time may be up before it begins
            }

            void Use()
            {
                foreach (int i in isInOrder ? pool.MapInOrder(Items(), Call) : pool.MapUnordered(Items(), Call))
                {
                    if (i > number % 7 && how == Leaving.Break)
                    {
                        break;
                    }

                    if (i > number % 7 && how == Leaving.Exception)
                    {
                        throw new InvalidTimeZoneException();
                    }
                }
            }

            IEnumerable<int> Items()
            {
                isBegun = true;
                try
                {
                    for (int i = 0; ; i++)
                    {
                        yield return i;
                    }
                }
                finally
                {
                    isDisposed = true;
                }
            }

            int Call(int item)
            {
                beganAfter += isLeft ? 1 : 0;
                running++;
                try
                {
                    Hub.Sleep(InHub.Tick);
                    return item;
                }
                finally
                {
                    CleanUp(ref running);
                }
            }
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_fails_ends_the_rest(bool isInOrder) => InHub.Run(() =>
    {
        GreenPool pool = new(3);
        Assert.Throws<InvalidTimeZoneException>(() => (isInOrder ? pool.MapInOrder(Enumerable.Range(0, 100), Call) : pool.MapUnordered(Enumerable.Range(0, 100), Call)).Count());
        Assert.Equal((3, 0), (pool.FreeCount, pool.Count));

        // Those that end normally do, too.
        Assert.Equal(100, pool.MapInOrder(Enumerable.Range(100, 100), Call).Count());
        Assert.Equal(100, pool.MapUnordered(Enumerable.Range(100, 100), Call).Count());
        Assert.Equal((3, 0), (pool.FreeCount, pool.Count));

        static int Call(int item)
        {
            Hub.Yield();
            return item == 5 ? throw new InvalidTimeZoneException() : item;
        }
    });

    [Fact]
    public void An_eager_map_that_is_left_leaves_nothing() => InHub.Run(() =>
    {
        for (int round = 0; round < 30; round++)
        {
            GreenPool pool = new(2);
            int running = 0;
            Assert.False(GreenTimeout.TryRun(InHub.Tick * (round % 5), () => pool.Map(Enumerable.Range(0, 1000), item =>
            {
                running++;
                try
                {
                    Hub.Sleep(InHub.Tick);
                    return item;
                }
                finally
                {
                    CleanUp(ref running);
                }
            })));
            Assert.Equal((2, 0, 0), (pool.FreeCount, pool.Count, running));
        }
    });

    // It may wait; a kill that has not come before comes there.
    private static void CleanUp(ref int running)
    {
        try
        {
            Hub.Yield();
        }
        finally
        {
            running--;
        }
    }
}
