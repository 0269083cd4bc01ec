using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Properties;

/// <summary>Parents set by the cleanup of a greenlet that is being killed. Found by <see cref="GreenletModel"/>.</summary>
public class KilledParentTests
{
    [Fact]
    public void A_parent_that_the_cleanup_sets_is_the_one_from_then_on() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet heir = new(value =>
        {
            log.Add($"heir gets {value?.GetType().Name}");
            return null;
        });
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() =>
        {
            try
            {
                _ = main.Switch();
            }
            finally
            {
                greenlet.Parent = heir;
            }
        });
        _ = greenlet.Switch();

        greenlet.Dispose();

        Assert.Equal(["heir gets GreenletExit"], log);
        Assert.Same(heir, greenlet.Parent);
        Assert.True(greenlet.IsDead);
        Assert.True(heir.IsDead);
    });

    [Fact]
    public void A_cleanup_cannot_make_a_cycle() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet other = new(() => log.Add("other"));
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() =>
        {
            try
            {
                _ = main.Switch();
            }
            finally
            {
                greenlet.Parent = other;
                _ = Expect.Failure(GreenletError.CyclicParent, () => other.Parent = greenlet);
                log.Add("cleanup");
            }
        });
        _ = greenlet.Switch();

        greenlet.Dispose(); // with a cycle, the two would pass the end on to each other for ever

        Assert.Equal(["cleanup", "other"], log);
    });

    [Fact]
    public void A_second_kill_in_the_cleanup_of_the_first_gives_the_parent_back_too() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet own = new(() => main.Switch());
        _ = own.Switch();
        Greenlet greenlet = null!;
        Greenlet second = new(() =>
        {
            greenlet.Dispose();
            Assert.Same(own, greenlet.Parent);
        });
        greenlet = new Greenlet(
            () =>
            {
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    Assert.Same(main, greenlet.Parent);
                    try
                    {
                        _ = second.Switch();
                    }
                    finally
                    {
                        Assert.Same(second, greenlet.Parent);
                    }
                }
            },
            own);
        _ = greenlet.Switch();

        greenlet.Dispose();

        Assert.True(greenlet.IsDead);
        Assert.True(second.IsDead);
        Assert.Same(own, greenlet.Parent);
        own.Dispose();
    });
}
