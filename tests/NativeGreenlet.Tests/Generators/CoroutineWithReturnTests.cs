using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Generators;

/// <summary>Coroutines that yield one type and return another.</summary>
public class CoroutineWithReturnTests
{
    [Fact]
    public void A_resume_says_whether_the_body_yielded_or_returned() => OnThread.Run(() =>
    {
        using Coroutine<int, int, string> sum = Sum();

        CoroutineResult<int, string> first = sum.Resume(1);
        Assert.False(first.HasReturned);
        Assert.Equal(1, first.Yielded);
        Assert.Throws<InvalidOperationException>(() => first.Returned);
        Assert.Equal(3, sum.Resume(2).Yielded);
        Assert.False(sum.IsDead);

        CoroutineResult<int, string> last = sum.Resume(0);
        Assert.True(last.HasReturned);
        Assert.Equal("3", last.Returned);
        Assert.Throws<InvalidOperationException>(() => last.Yielded);
        Assert.True(sum.IsDead);
        Assert.Throws<InvalidOperationException>(() => sum.Resume(1));
    });

    [Fact]
    public void Dispose_runs_the_finally_blocks_of_the_body() => OnThread.Run(() =>
    {
        bool hasEnded = false;
        Coroutine<int, int, string> coroutine = new((self, value) =>
        {
            try
            {
                self.Yield(value);
                return "not reached";
            }
            finally
            {
                hasEnded = true;
            }
        });
        Assert.Equal(7, coroutine.Resume(7).Yielded);

        coroutine.Dispose();

        Assert.True(hasEnded);
        Assert.True(coroutine.IsDead);
    });

    [Fact]
    public void An_exception_of_the_body_comes_to_whoever_resumes() => OnThread.Run(() =>
    {
        Coroutine<int, int, string> coroutine = new((self, value) => throw new FormatException());

        Assert.Throws<FormatException>(() => coroutine.Resume(1));
        Assert.True(coroutine.IsDead);
        Assert.Throws<ArgumentNullException>(() => new Coroutine<int, int, string>(null!));
    });

    [UnfrozenFact("a freeze allocates")]
    public void A_resume_allocates_nothing() => OnThread.Run(() =>
    {
        using Coroutine<int, int, string> sum = Sum();
        long allocated = Allocation.Of(1000, () => sum.Resume(1));
        Assert.Equal(0, allocated);
    });

    private static Coroutine<int, int, string> Sum() => new((self, value) =>
    {
        int total = 0;
        while (value != 0)
        {
            total += value;
            value = self.Yield(total);
        }

        return $"{total}";
    });
}
