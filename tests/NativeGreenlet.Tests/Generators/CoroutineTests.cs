using System.Runtime.CompilerServices;
using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Generators;

public class CoroutineTests
{
    private const int Resumes = 10_000;

    [Fact]
    public void Values_go_in_and_come_out() => OnThread.Run(() =>
    {
        List<string> log = [];
        Coroutine<string, int> coroutine = new((self, first) =>
        {
            log.Add(first);
            for (int i = 1; i <= 2; i++)
            {
                log.Add(self.Yield(i));
            }

            return 3;
        });

        Assert.False(coroutine.IsDead);
        Assert.Equal(1, coroutine.Resume("a"));
        Assert.Equal(2, coroutine.Resume("b"));
        Assert.False(coroutine.IsDead);
        Assert.Equal(3, coroutine.Resume("c"));
        Assert.True(coroutine.IsDead);
        Assert.Equal(["a", "b", "c"], log);
    });

    [Fact]
    public void It_may_yield_at_any_depth() => OnThread.Run(() =>
    {
        using Coroutine<int, int> coroutine = new((self, value) => Descend(self, value, 500));

        Assert.Equal(Enumerable.Range(0, 500), Enumerable.Range(0, 500).Select(coroutine.Resume));
        Assert.Equal(-1, coroutine.Resume(500));
        Assert.True(coroutine.IsDead);

        static int Descend(Coroutine<int, int> self, int value, int depth) => depth == 0 ? -1 : Descend(self, self.Yield(value), depth - 1);
    });

    [Fact]
    public void A_dead_one_cannot_be_resumed() => OnThread.Run(() =>
    {
        Coroutine<int, int> coroutine = new((_, value) => value);
        _ = coroutine.Resume(1);

        Assert.Throws<InvalidOperationException>(() => coroutine.Resume(2));
        Assert.True(coroutine.IsDead);
    });

    [Fact]
    public void The_body_cannot_resume_itself() => OnThread.Run(() =>
    {
        using Coroutine<int, int> coroutine = new((self, value) =>
        {
            Assert.Throws<InvalidOperationException>(() => self.Resume(value));
            _ = self.Yield(value + 1);
            return 0;
        });

        Assert.Equal(2, coroutine.Resume(1));
    });

    [Fact]
    public void One_that_waits_for_another_cannot_be_resumed_by_it() => OnThread.Run(() =>
    {
        Coroutine<int, int> outer = null!;
        using Coroutine<int, int> inner = new((self, value) =>
        {
            Assert.ThrowsAny<InvalidOperationException>(() => outer.Resume(99));
            _ = self.Yield(value + 1);
            return value;
        });
        outer = new Coroutine<int, int>((self, value) => self.Yield(inner.Resume(value) + 1));

        Assert.Equal(3, outer.Resume(1));
        Assert.Equal(7, outer.Resume(7));
        Assert.True(outer.IsDead);
    });

    [Fact]
    public void Another_greenlet_that_resumes_while_the_body_is_away_is_told_and_the_first_goes_on() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet? body = null;
        Coroutine<int, int> shared = new((self, value) =>
        {
            while (true)
            {
                body = Greenlet.Current;
                Assert.Equal("go on", main.Switch("away"));
                value = self.Yield(value * 2);
            }
        });
        List<int> got = [];
        Greenlet first = new(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                got.Add(shared.Resume(i));
            }

            return "done";
        });
        object? answer = first.Switch();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("away", answer);
            Assert.Throws<InvalidOperationException>(() => shared.Resume(77));
            Assert.Throws<InvalidOperationException>(shared.Dispose);
            answer = body!.Switch("go on");
        }

        Assert.Equal("done", answer);
        Assert.Equal([0, 2, 4], got);
        shared.Dispose();
        Assert.True(shared.IsDead);
    });

    [Fact]
    public void A_yield_goes_to_whoever_resumed_last() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        using Coroutine<string, string> coroutine = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield($"{value}!");
            }
        });
        Greenlet other = new(() =>
        {
            log.Add($"other: {coroutine.Resume("b")}");
            _ = main.Switch();
            log.Add($"other: {coroutine.Resume("d")}");
        });

        log.Add($"main: {coroutine.Resume("a")}");
        _ = other.Switch();
        log.Add($"main: {coroutine.Resume("c")}");
        _ = other.Switch();
        log.Add($"main: {coroutine.Resume("e")}");

        Assert.Equal(["main: a!", "other: b!", "main: c!", "other: d!", "main: e!"], log);
    });

    [Fact]
    public void Coroutines_in_coroutines() => OnThread.Run(() =>
    {
        using Coroutine<int, int> twice = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield(value * 2);
            }
        });
        using Coroutine<int, int> twiceTwice = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield(twice.Resume(twice.Resume(value)));
            }
        });

        Assert.Equal([4, 8, 12], new[] { 1, 2, 3 }.Select(twiceTwice.Resume));
    });

    [Fact]
    public void An_exception_of_the_body_comes_to_whoever_resumes() => OnThread.Run(() =>
    {
        Coroutine<int, int> coroutine = new((self, value) =>
        {
            _ = self.Yield(value);
            throw new InvalidTimeZoneException("of the body");
        });

        Assert.Equal(1, coroutine.Resume(1));
        InvalidTimeZoneException exception = Assert.Throws<InvalidTimeZoneException>(() => coroutine.Resume(2));
        Assert.Equal("of the body", exception.Message);
        Assert.Contains(nameof(An_exception_of_the_body_comes_to_whoever_resumes), exception.StackTrace, StringComparison.Ordinal);
        Assert.True(coroutine.IsDead);
        Assert.Throws<InvalidOperationException>(() => coroutine.Resume(3));
    });

    [Fact]
    public void The_body_may_yield_while_it_handles_an_exception() => OnThread.Run(() =>
    {
        using Coroutine<int, string> coroutine = new((self, _) =>
        {
            try
            {
                throw new InvalidTimeZoneException("first");
            }
            catch (InvalidTimeZoneException exception) when (self.Yield("in the filter") == 2)
            {
                _ = self.Yield($"in the catch block of {exception.Message}");
            }
            finally
            {
                _ = self.Yield("in the finally block");
            }

            return "end";
        });

        Assert.Equal(
            ["in the filter", "in the catch block of first", "in the finally block", "end"],
            Enumerable.Range(1, 4).Select(coroutine.Resume));
    });

    [Fact]
    public void An_exception_between_two_resumes_does_not_touch_the_body() => OnThread.Run(() =>
    {
        using Coroutine<int, int> coroutine = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield(value);
            }
        });

        for (int i = 0; i < 3; i++)
        {
            try
            {
                Assert.Equal(i, coroutine.Resume(i));
                throw new InvalidTimeZoneException();
            }
            catch (InvalidTimeZoneException)
            {
                Assert.Equal(-i, coroutine.Resume(-i));
            }
        }
    });

    [Fact]
    public void Dispose_raises_the_exit_in_the_body_and_runs_its_cleanup() => OnThread.Run(() =>
    {
        List<string> log = [];
        Coroutine<int, int> coroutine = new((self, value) =>
        {
            try
            {
                return self.Yield(value);
            }
            catch (GreenletExit)
            {
                log.Add("exit");
                throw;
            }
            finally
            {
                log.Add("finally");
            }
        });
        _ = coroutine.Resume(1);

        coroutine.Dispose();
        log.Add("disposed");
        coroutine.Dispose();

        Assert.Equal(["exit", "finally", "disposed"], log);
        Assert.True(coroutine.IsDead);
        Assert.Throws<InvalidOperationException>(() => coroutine.Resume(2));
    });

    [Fact]
    public void Dispose_before_the_first_resume_keeps_the_body_from_running() => OnThread.Run(() =>
    {
        bool hasRun = false;
        Coroutine<int, int> coroutine = new((_, value) =>
        {
            hasRun = true;
            return value;
        });

        coroutine.Dispose();

        Assert.True(coroutine.IsDead);
        Assert.Throws<InvalidOperationException>(() => coroutine.Resume(1));
        Assert.False(hasRun);
    });

    [Fact]
    public void An_exception_of_the_cleanup_comes_to_whoever_disposes() => OnThread.Run(() =>
    {
        Coroutine<int, int> coroutine = new((self, value) =>
        {
            try
            {
                return self.Yield(value);
            }
            finally
            {
                Fail();
            }
        });
        _ = coroutine.Resume(1);

        Assert.Throws<InvalidTimeZoneException>(coroutine.Dispose);
        Assert.True(coroutine.IsDead);

        static void Fail() => throw new InvalidTimeZoneException();
    });

    [Fact]
    public void A_body_that_ends_by_the_exit_has_no_result() => OnThread.Run(() =>
    {
        Coroutine<int, int> exits = new((self, value) =>
        {
            _ = self.Yield(value);
            throw new GreenletExit("of the body");
        });
        Coroutine<int, int> disposesOfItself = new((self, value) =>
        {
            self.Dispose();
            return value;
        });

        Assert.Equal(1, exits.Resume(1));
        Assert.Equal("of the body", Assert.Throws<GreenletExit>(() => exits.Resume(2)).Message);
        Assert.True(exits.IsDead);
        _ = Assert.Throws<GreenletExit>(() => disposesOfItself.Resume(1));
        Assert.True(disposesOfItself.IsDead);
    });

    [Fact]
    public void Only_the_running_body_may_yield() => OnThread.Run(() =>
    {
        Coroutine<int, int> coroutine = new((self, value) => self.Yield(value));
        Assert.Throws<InvalidOperationException>(() => coroutine.Yield(1));
        _ = coroutine.Resume(1);
        Assert.Throws<InvalidOperationException>(() => coroutine.Yield(1));
        using Coroutine<int, int> other = new((_, value) => coroutine.Yield(value));
        Assert.Throws<InvalidOperationException>(() => other.Resume(1));

        Assert.Equal(2, coroutine.Resume(2));
        Assert.Throws<InvalidOperationException>(() => coroutine.Yield(1));
    });

    [Fact]
    public void It_belongs_to_the_thread_that_first_resumes_it() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Coroutine<int, int> coroutine = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield(value + ThisRun.ThreadId);
            }
        });

        Assert.Equal(1 + worker.ThreadId, worker.Do(() => coroutine.Resume(1)));
        _ = Expect.Failure(GreenletError.WrongThread, () => coroutine.Resume(2));
        Assert.Throws<InvalidOperationException>(() => coroutine.Yield(2));
        Assert.Equal(3 + worker.ThreadId, worker.Do(() => coroutine.Resume(3)));
        worker.Do(coroutine.Dispose);
        Assert.True(coroutine.IsDead);
    });

    [Fact]
    public void A_yield_of_another_thread_is_refused_and_its_value_not_kept() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Coroutine<int, object> coroutine = new((self, value) =>
        {
            Collector.AssertCollected(worker.Do(() => YieldWrongly(self)), "what another thread tried to yield");
            return self.Yield(value);
        });

        Assert.Equal(1, coroutine.Resume(1));
        Assert.Equal(2, coroutine.Resume(2));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<object> YieldWrongly(Coroutine<int, object> coroutine)
        {
            object value = new();
            _ = Expect.Failure(GreenletError.WrongThread, () => coroutine.Yield(value));
            return new WeakReference<object>(value);
        }
    });

    [Fact]
    public void Yields_of_another_thread_do_not_get_between_those_of_the_body() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Coroutine<int, int> coroutine = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield(value);
            }
        });
        using CancellationTokenSource stop = new();
        int refusals = 0;
        Task<bool> meddler = worker.Begin(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ = Assert.ThrowsAny<InvalidOperationException>(() => coroutine.Yield(-1));
                Interlocked.Increment(ref refusals);
            }

            return true;
        });

        for (int i = 0; i < 100_000 || Volatile.Read(ref refusals) < 100; i++)
        {
            Assert.Equal(i, coroutine.Resume(i));
        }

        stop.Cancel();
        Assert.True(meddler.GetAwaiter().GetResult());
        coroutine.Dispose();
    });

    [Fact]
    public void Nothing_that_was_delivered_is_kept() => OnThread.Run(() =>
    {
        using Coroutine<object?, object?> coroutine = new((self, value) =>
        {
            while (true)
            {
                value = Echo(self, value);
            }
        });

        WeakReference<object> passed = Pass(coroutine);

        Collector.AssertCollected(passed, "a value that went in and came out");

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static object? Echo(Coroutine<object?, object?> self, object? value) => self.Yield(value);

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static WeakReference<object> Pass(Coroutine<object?, object?> coroutine)
        {
            object value = new();
            Assert.Same(value, coroutine.Resume(value));
            _ = coroutine.Resume(null); // the body's own variable
            return new WeakReference<object>(value);
        }
    });

    [UnfrozenFact("a freeze allocates")]
    public void Nothing_is_allocated_per_resume_with_values() => OnThread.Run(() =>
    {
        using Coroutine<int, long> coroutine = new((self, value) =>
        {
            long sum = 0;
            while (true)
            {
                sum += value;
                value = self.Yield(sum);
            }
        });

        long result = 0;
        long resumes = 0;
        Assert.Equal(0, Allocation.Of(Resumes, () =>
        {
            result = coroutine.Resume(1);
            resumes++;
        }));
        Assert.Equal(resumes, result);
    });

    [UnfrozenFact("a freeze allocates")]
    public void Nothing_is_allocated_per_resume_with_large_values() => OnThread.Run(() =>
    {
        using Coroutine<(decimal, string, Guid), (Guid, string, decimal)> coroutine = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield((value.Item3, value.Item2, value.Item1 + 1));
            }
        });
        (decimal, string, Guid) passed = (0, "text", Guid.NewGuid());
        int resumes = 0;

        Assert.Equal(0, Allocation.Of(Resumes, () =>
        {
            (Guid id, string text, decimal number) = coroutine.Resume(passed);
            passed = (number, text, id);
            resumes++;
        }));
        Assert.Equal((resumes, "text"), (passed.Item1, passed.Item2));
    });

    [UnfrozenFact("a freeze allocates")]
    public void Nothing_is_allocated_per_resume_with_references() => OnThread.Run(() =>
    {
        using Coroutine<string, object> coroutine = new((self, value) =>
        {
            while (true)
            {
                value = self.Yield(value);
            }
        });
        string[] texts = ["a", "b"];
        int mistakes = 0;
        int count = 0;

        Assert.Equal(0, Allocation.Of(Resumes, () =>
        {
            string text = texts[count++ % 2];
            mistakes += ReferenceEquals(coroutine.Resume(text), text) ? 0 : 1;
        }));
        Assert.Equal(0, mistakes);
    });

    [Fact]
    public void The_body_is_needed() => Assert.Throws<ArgumentNullException>(() => new Coroutine<int, int>(null!));
}
