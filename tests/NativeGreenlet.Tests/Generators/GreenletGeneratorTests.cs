using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Generators;

/// <summary>Row 53: generators without <c>yield return</c>. The examples named after greenlet's tests are its
/// test_generator.py and test_generator_nested.py.</summary>
public class GreenletGeneratorTests
{
    [Fact]
    [FeatureRow(53)]
    public void It_gives_what_its_body_yields() => OnThread.Run(() =>
    {
        GreenletGenerator<int> numbers = new(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                GreenletGenerator<int>.Yield(i);
            }
        });

        Assert.Equal(Enumerable.Range(0, 10), numbers);
        Assert.Equal(Enumerable.Range(0, 10), numbers); // each enumeration runs the body anew
    });

    [Fact]
    [FeatureRow(53)]
    public void Functions_at_any_depth_may_yield() => OnThread.Run(() =>
    {
        const int Depth = 1000;
        GreenletGenerator<int> numbers = new(() => Descend(Depth));

        Assert.Equal(Enumerable.Range(0, Depth + 1).Concat(Enumerable.Range(0, Depth + 1).Reverse()), numbers);

        static void Descend(int depth)
        {
            GreenletGenerator<int>.Yield(Depth - depth);
            if (depth > 0)
            {
                Descend(depth - 1);
            }

            GreenletGenerator<int>.Yield(Depth - depth);
        }
    });

    [Fact]
    [FeatureRow(53)]
    public void A_callback_of_a_library_may_yield() => OnThread.Run(() =>
    {
        GreenletGenerator<string> visited = new(() =>
        {
            List<string> items = ["c", "a", "b"];
            items.Sort((x, y) =>
            {
                GreenletGenerator<string>.Yield($"{x}{y}");
                return string.CompareOrdinal(x, y);
            });
            items.ForEach(item => GreenletGenerator<string>.Yield(item));
        });

        List<string> seen = [.. visited];

        Assert.Equal(["a", "b", "c"], seen.TakeLast(3));
        Assert.True(seen.Count > 4);
        Assert.All(seen.SkipLast(3), pair => Assert.Equal(2, pair.Length));
    });

    [Fact]
    [FeatureRow(53)]
    public void A_recursive_generator_enumerates_itself() => OnThread.Run(() =>
    {
        // test_genlet_simple and test_nested_genlets
        Assert.Equal([1, 2, 3, 4, 5], CountTo(5));

        static GreenletGenerator<int> CountTo(int n) => new(() =>
        {
            if (n == 0)
            {
                return;
            }

            foreach (int i in CountTo(n - 1))
            {
                GreenletGenerator<int>.Yield(i);
            }

            GreenletGenerator<int>.Yield(n);
        });
    });

    [Fact]
    [FeatureRow(53)]
    public void Permutations_by_generators_of_generators() => OnThread.Run(() =>
    {
        // test_perms
        List<string> seen = [.. Permutations("abcd")];

        Assert.Equal(24, seen.Distinct().Count());
        Assert.Equal(seen.Order(StringComparer.Ordinal), seen);

        static GreenletGenerator<string> Permutations(string letters) => new(() =>
        {
            if (letters.Length <= 1)
            {
                GreenletGenerator<string>.Yield(letters);
                return;
            }

            foreach (char letter in letters)
            {
                foreach (string rest in Permutations(letters.Replace(letter.ToString(), string.Empty, StringComparison.Ordinal)))
                {
                    GreenletGenerator<string>.Yield(letter + rest);
                }
            }
        });
    });

    [Fact]
    [FeatureRow(53)]
    public void A_generator_inside_another_may_yield_for_the_outer_one() => OnThread.Run(() =>
    {
        // test_layered_genlets
        List<int> seen = [];
        GreenletGenerator<int> inner = new(() =>
        {
            for (int i = 1; i < 5; i++)
            {
                GreenletGenerator<int>.Yield(i);
                GreenletGenerator<int>.Yield(i * i, 2);
            }
        });
        GreenletGenerator<int> outer = new(() =>
        {
            foreach (int value in inner)
            {
                seen.Add(value);
            }
        });

        foreach (int value in outer)
        {
            seen.Add(value);
        }

        Assert.Equal([1, 1, 2, 4, 3, 9, 4, 16], seen);
    });

    [Fact]
    [FeatureRow(53)]
    public void Values_of_several_levels_come_in_the_order_of_the_yields() => OnThread.Run(() =>
    {
        // test_layered_genlets, with three levels of three types
        List<string> log = [];
        GreenletGenerator<char> innermost = new(() =>
        {
            for (int i = 1; i <= 2; i++)
            {
                GreenletGenerator<char>.Yield((char)('a' + i));
                GreenletGenerator<int>.Yield(i, 2);
                GreenletGenerator<string>.Yield($"three {i}", 3);
            }

            log.Add("innermost ends");
        });
        GreenletGenerator<int> middle = new(() =>
        {
            foreach (char letter in innermost)
            {
                log.Add($"letter {letter}");
                GreenletGenerator<string>.Yield($"two {letter}", 2);
            }

            log.Add("middle ends");
        });
        GreenletGenerator<string> outer = new(() =>
        {
            foreach (int number in middle)
            {
                log.Add($"number {number}");
                GreenletGenerator<string>.Yield($"one {number}");
            }

            log.Add("outer ends");
        });

        foreach (string text in outer)
        {
            log.Add(text);
        }

        Assert.Equal(
            [
                "letter b", "two b", "number 1", "one 1", "three 1",
                "letter c", "two c", "number 2", "one 2", "three 2",
                "innermost ends", "middle ends", "outer ends",
            ],
            log);
    });

    [Fact]
    [FeatureRow(53)]
    public void A_greenlet_inside_a_generator_yields_for_it() => OnThread.Run(() =>
    {
        List<string> log = [];
        GreenletGenerator<int> numbers = new(() =>
        {
            Greenlet helper = new(() =>
            {
                GreenletGenerator<int>.Yield(1);
                GreenletGenerator<int>.Yield(2);
                return "helped";
            });
            log.Add($"{helper.Switch()}");
            GreenletGenerator<int>.Yield(3);
        });

        Assert.Equal([1, 2, 3], numbers);
        Assert.Equal(["helped"], log);
    });

    [Fact]
    public void Two_enumerations_go_on_side_by_side() => OnThread.Run(() =>
    {
        GreenletGenerator<int> numbers = Endless();

        Assert.Equal([0, 2, 4, 6], numbers.Zip(numbers, (x, y) => x + y).Take(4));
        Assert.Equal([0, 5, 10], numbers.Where(value => value % 5 == 0).Take(3));
    });

    [Fact]
    public void Many_values() => OnThread.Run(() =>
    {
        Assert.Equal(100_000L * 99_999 / 2, Endless().Take(100_000).Sum(value => (long)value));
    });

    [Fact]
    public void An_enumeration_that_is_left_runs_the_cleanup() => OnThread.Run(() =>
    {
        List<string> log = [];
        GreenletGenerator<int> numbers = new(() =>
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    GreenletGenerator<int>.Yield(i);
                }
            }
            finally
            {
                log.Add("finally");
            }
        });

        foreach (int value in numbers)
        {
            log.Add($"{value}");
            if (value == 1)
            {
                break;
            }
        }

        Assert.Equal(["0", "1", "finally"], log);
    });

    [Fact]
    public void Leaving_the_outer_of_two_ends_both() => OnThread.Run(() =>
    {
        List<string> log = [];
        GreenletGenerator<int> inner = new(() =>
        {
            using Defer cleanup = new(() => log.Add("inner"));
            while (true)
            {
                GreenletGenerator<string>.Yield("from the inner", 2);
            }
        });
        GreenletGenerator<string> outer = new(() =>
        {
            using Defer cleanup = new(() => log.Add("outer"));
            foreach (int _ in inner)
            {
                log.Add("not reached");
            }
        });

        Assert.Equal(["from the inner", "from the inner"], outer.Take(2));

        Assert.Equal(["inner", "outer"], log);
    });

    [Fact]
    public void An_enumeration_that_is_only_forgotten_is_cleaned_up_by_its_thread() => OnThread.Run(() =>
    {
        List<int> cleanups = [];
        Begin(cleanups);

        Collector.CollectUntil(
            () =>
            {
                _ = Greenlet.Current;
                return cleanups.Count == 1;
            },
            "the body was ended");

        Assert.Equal([Environment.CurrentManagedThreadId], cleanups);

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static void Begin(List<int> cleanups)
        {
            GreenletGenerator<int> numbers = new(() =>
            {
                using Defer cleanup = new(() => cleanups.Add(ThisRun.ThreadId));
                GreenletGenerator<int>.Yield(1);
            });
            IEnumerator<int> enumerator = numbers.GetEnumerator();
            Assert.True(enumerator.MoveNext());
        }
    });

    [Fact]
    public void One_that_was_never_begun_has_nothing_to_clean_up() => OnThread.Run(() =>
    {
        bool hasRun = false;
        GreenletGenerator<int> numbers = new(() => { hasRun = true; });
        IEnumerator<int> enumerator = numbers.GetEnumerator();

        enumerator.Dispose();

        Assert.False(enumerator.MoveNext());
        Assert.False(hasRun);
    });

    [Fact]
    public void An_exception_of_the_body_comes_to_whoever_enumerates() => OnThread.Run(() =>
    {
        GreenletGenerator<int> numbers = new(() =>
        {
            GreenletGenerator<int>.Yield(1);
            throw new InvalidTimeZoneException("of the body");
        });
        using IEnumerator<int> enumerator = numbers.GetEnumerator();

        Assert.True(enumerator.MoveNext());
        InvalidTimeZoneException exception = Assert.Throws<InvalidTimeZoneException>(() => enumerator.MoveNext());
        Assert.Equal("of the body", exception.Message);
        Assert.Contains(nameof(An_exception_of_the_body_comes_to_whoever_enumerates), exception.StackTrace, StringComparison.Ordinal);
        Assert.False(enumerator.MoveNext());
        Assert.False(enumerator.MoveNext());
    });

    [Fact]
    public void An_exception_of_the_inner_one_climbs_through_the_outer_one() => OnThread.Run(() =>
    {
        List<string> log = [];
        GreenletGenerator<int> inner = new(() =>
        {
            GreenletGenerator<int>.Yield(1, 2);
            throw new InvalidTimeZoneException();
        });
        GreenletGenerator<int> outer = new(() =>
        {
            try
            {
                _ = inner.Count();
            }
            catch (InvalidTimeZoneException)
            {
                log.Add("caught between");
                GreenletGenerator<int>.Yield(2); // in the catch block
                throw;
            }
        });
        using IEnumerator<int> enumerator = outer.GetEnumerator();

        Assert.True(enumerator.MoveNext());
        Assert.True(enumerator.MoveNext());
        Assert.Equal(2, enumerator.Current);
        Assert.Throws<InvalidTimeZoneException>(() => enumerator.MoveNext());
        Assert.Equal(["caught between"], log);
    });

    [Fact]
    public void Any_greenlet_of_the_thread_may_ask_for_the_next_value() => OnThread.Run(() =>
    {
        using IEnumerator<int> enumerator = Endless().GetEnumerator();

        Assert.True(enumerator.MoveNext());
        Assert.Equal(0, enumerator.Current);
        Greenlet other = new(() =>
        {
            Assert.True(enumerator.MoveNext());
            return enumerator.Current;
        });
        Assert.Equal(1, other.Switch());
        Assert.True(enumerator.MoveNext());
        Assert.Equal(2, enumerator.Current);
    });

    [Fact]
    public void Another_thread_may_not() => OnThread.Run(() =>
    {
        using Worker worker = new();
        using IEnumerator<int> enumerator = Endless().GetEnumerator();
        Assert.True(enumerator.MoveNext());

        GreenletException exception = Expect.Failure(GreenletError.WrongThread, () => worker.Do(() => enumerator.MoveNext()));
        Assert.Contains("belongs to thread", exception.Message, StringComparison.Ordinal);
        Assert.Contains("ToList()", exception.Message, StringComparison.Ordinal); // what to do about it

        Assert.True(enumerator.MoveNext());
        Assert.Equal(1, enumerator.Current);
    });

    [Fact]
    public void The_body_cannot_ask_its_own_enumeration() => OnThread.Run(() =>
    {
        IEnumerator<int> enumerator = null!;
        GreenletGenerator<int> numbers = new(() =>
        {
            Assert.ThrowsAny<InvalidOperationException>(() => enumerator.MoveNext());
            GreenletGenerator<int>.Yield(1);
        });
        enumerator = numbers.GetEnumerator();

        Assert.True(enumerator.MoveNext());
        Assert.Equal(1, enumerator.Current);
        Assert.False(enumerator.MoveNext());
    });

    [Fact]
    public void Another_greenlet_that_asks_while_the_body_is_away_is_told_and_the_first_goes_on() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet? body = null;
        IEnumerator<int> shared = new GreenletGenerator<int>(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                body = Greenlet.Current;
                Assert.Equal($"go on {i}", main.Switch("away"));
                GreenletGenerator<int>.Yield(i);
            }
        }).GetEnumerator();
        List<int> got = [];
        Greenlet first = new(() =>
        {
            while (shared.MoveNext())
            {
                got.Add(shared.Current);
            }

            return "done";
        });
        object? answer = first.Switch();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("away", answer);
            Assert.Throws<InvalidOperationException>(() => shared.MoveNext());
            Assert.Throws<InvalidOperationException>(shared.Dispose);
            answer = body!.Switch($"go on {i}");
        }

        Assert.Equal("done", answer);
        Assert.Equal([0, 1, 2], got);
        shared.Dispose();
    });

    [Fact]
    public void A_body_that_is_killed_is_no_end_of_the_sequence() => OnThread.Run(() =>
    {
        List<int> got = [];
        GreenletExit exit = new("mine");
        Assert.Same(exit, Assert.Throws<GreenletExit>(() =>
        {
            foreach (int i in new GreenletGenerator<int>(Body))
            {
                got.Add(i);
            }
        }));
        Assert.Equal([1], got);

        void Body()
        {
            GreenletGenerator<int>.Yield(1);
            throw exit;
        }
    });

    [Fact]
    public void Yield_outside_of_a_generator_fails() => OnThread.Run(() =>
    {
        // test_genlet_bad
        Assert.Throws<InvalidOperationException>(() => GreenletGenerator<int>.Yield(1));
        Assert.Throws<InvalidOperationException>(() => new Greenlet(() => GreenletGenerator<int>.Yield(1)).Switch());
    });

    [Fact]
    public void Yield_checks_the_level_and_the_type() => OnThread.Run(() =>
    {
        List<string> log = [];
        GreenletGenerator<int> numbers = new(() =>
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => GreenletGenerator<int>.Yield(1, 0));
            Assert.Throws<InvalidOperationException>(() => GreenletGenerator<int>.Yield(1, 2));
            Assert.Throws<InvalidOperationException>(() => GreenletGenerator<string>.Yield("text"));
            log.Add("checked");
            GreenletGenerator<int>.Yield(1);
        });

        Assert.Equal([1], numbers);
        Assert.Equal(["checked"], log);
    });

    [Fact]
    public void The_enumerator_keeps_the_rules_of_enumerators() => OnThread.Run(() =>
    {
        GreenletGenerator<string?> texts = new(() =>
        {
            GreenletGenerator<string?>.Yield(null);
            GreenletGenerator<string?>.Yield("text");
        });
        System.Collections.IEnumerator enumerator = ((System.Collections.IEnumerable)texts).GetEnumerator();

        Assert.True(enumerator.MoveNext());
        Assert.Null(enumerator.Current);
        Assert.True(enumerator.MoveNext());
        Assert.Equal("text", enumerator.Current);
        Assert.Equal("text", enumerator.Current);
        Assert.False(enumerator.MoveNext());
        Assert.False(enumerator.MoveNext());
        Assert.Throws<NotSupportedException>(enumerator.Reset);
        Assert.Throws<ArgumentNullException>(() => new GreenletGenerator<int>(null!));
    });

    private static GreenletGenerator<int> Endless() => new(() =>
    {
        for (int i = 0; ; i++)
        {
            GreenletGenerator<int>.Yield(i);
        }
    });

    private sealed class Defer(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
