using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 6 of the table: rows 81 to 94, and rows 6, 20 and 71.</summary>
public class GarbageTests
{
    [Fact]
    [FeatureRow(71)]
    public void An_abandoned_suspended_greenlet_is_killed_at_the_next_use_of_the_library() => OnThread.Run(() =>
    {
        List<string> log = [];
        WeakReference<Greenlet> abandoned = Abandon(log);

        Collector.AssertCollected(abandoned, "the abandoned greenlet");
        Assert.Empty(log); // nothing runs by itself
        UseUntil(() => log.Count != 0);

        Assert.Equal(
            [
                $"caught on thread {Environment.CurrentManagedThreadId}: Killing the greenlet because all references have vanished.",
                "finally",
            ],
            log);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Abandon(List<string> log)
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                catch (GreenletExit exit)
                {
                    log.Add($"caught on thread {ThisRun.ThreadId}: {exit.Message}");
                    throw;
                }
                finally
                {
                    log.Add("finally");
                }
            });
            _ = greenlet.Switch();
            return new WeakReference<Greenlet>(greenlet);
        }
    });

    [Fact]
    [FeatureRow(71)]
    public void What_an_abandoned_greenlet_held_is_collected_after_it() => OnThread.Run(() =>
    {
        WeakReference<object> held = Abandon();

        UseUntil(() => !held.TryGetTarget(out _));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<object> Abandon()
        {
            object held = new();
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                _ = main.Switch();
                GC.KeepAlive(held);
            });
            _ = greenlet.Switch();
            return new WeakReference<object>(held);
        }
    });

    [Theory]
    [InlineData("Current")]
    [InlineData("constructor")]
    [InlineData("Switch")]
    [InlineData("Switch to one that is suspended")]
    [InlineData("Throw")]
    [FeatureRow(6, 71)]
    public void Each_of_these_uses_of_the_library_kills(string use) => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet unstarted = new(() => { });
        Greenlet suspended = new(() => main.Switch());
        _ = suspended.Switch();
        Cell<int> finallies = new();
        WeakReference<Greenlet> abandoned = Abandon(finallies);
        Collector.AssertCollected(abandoned, "the abandoned greenlet");
        Collector.Collect(); // and its finalizer has run
        Assert.Equal(0, finallies.Value);

        _ = use switch
        {
            "Current" => Greenlet.Current,
            "constructor" => new Greenlet(() => { }),
            "Switch" => unstarted.Switch(),
            "Switch to one that is suspended" => suspended.Switch(),
            _ => unstarted.Throw(),
        };

        Assert.Equal(1, finallies.Value);
    });

    [Fact]
    [FeatureRow(6, 20)]
    public void A_constructor_that_kills_still_finds_the_right_parent() => OnThread.Run(() =>
    {
        Greenlet? parent = null;
        List<Greenlet> madeMeanwhile = [];
        Greenlet greenlet = new(() =>
        {
            WeakReference<Greenlet> abandoned = Abandon(new Cell<int>(), () =>
            {
                // Cleanup that makes and runs greenlets of its own.
                Greenlet child = new(() => Greenlet.Current.Parent!.Switch());
                _ = child.Switch();
                madeMeanwhile.Add(child);
            });
            Collector.AssertCollected(abandoned, "the abandoned greenlet");
            Collector.Collect();
            Assert.Empty(madeMeanwhile);

            parent = new Greenlet(() => { }).Parent;
        });

        _ = greenlet.Switch();

        Greenlet made = Assert.Single(madeMeanwhile);
        Assert.Same(greenlet, parent);
        Assert.NotSame(greenlet, made.Parent);
        made.Dispose();
    });

    [Fact]
    [FeatureRow(71)]
    public void One_after_the_other_all_abandoned_greenlets_are_killed() => OnThread.Run(() =>
    {
        // What a killed greenlet leaves for the next one to use must not keep that one from being killed.
        Cell<int> finallies = new();
        for (int i = 1; i <= 10; i++)
        {
            _ = Abandon(finallies);
            int expected = i;

            UseUntil(() => finallies.Value == expected);
        }
    });

    [Fact]
    [FeatureRow(71)]
    public void Many_abandoned_greenlets_are_killed_at_once() => OnThread.Run(() =>
    {
        Cell<int> finallies = new();
        for (int i = 0; i < 2_000; i++)
        {
            _ = Abandon(finallies);
        }

        UseUntil(() => finallies.Value == 2_000);
    });

    [Fact]
    [FeatureRow(81)]
    public void While_it_is_killed_its_parent_is_the_current_greenlet_and_then_its_own_again() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet ownParent = new(() => main.Switch()) { Name = "own parent" };
        _ = ownParent.Switch();
        Cell<Greenlet?> resurrected = new();
        List<string?> parents = [];
        Abandon(ownParent, resurrected, parents);
        Greenlet killer = new(() =>
        {
            UseUntil(() => parents.Count != 0);
            return "killer ended";
        })
        {
            Name = "killer",
        };

        object? result = killer.Switch();

        Assert.Equal("killer ended", result);
        Assert.Equal(["killer"], parents);
        Assert.True(resurrected.Value!.IsDead);
        Assert.Same(ownParent, resurrected.Value.Parent);
        Assert.Equal(GreenletState.Suspended, ownParent.State); // the exit did not go there

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Abandon(Greenlet ownParent, Cell<Greenlet?> resurrected, List<string?> parents)
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(
                () =>
                {
                    try
                    {
                        _ = main.Switch();
                    }
                    finally
                    {
                        parents.Add(Greenlet.Current.Parent!.Name);
                        resurrected.Value = Greenlet.Current;
                    }
                },
                ownParent);
            _ = greenlet.Switch();
        }
    });

    [Fact]
    [FeatureRow(82)]
    public void A_greenlet_that_swallows_its_exit_lives_on_and_is_reported() => OnThread.Run(() =>
    {
        using Unobserved unobserved = new();
        Cell<Greenlet?> resurrected = new();
        Abandon(resurrected);

        UseUntil(() => resurrected.Value is not null);

        (Exception exception, int threadId, GreenletState state) = Assert.Single(unobserved.Of("swallows"));
        Assert.Contains("did not kill", exception.Message, StringComparison.Ordinal);
        Assert.IsType<GreenletException>(exception);
        Assert.Equal(Environment.CurrentManagedThreadId, threadId);
        Assert.Equal(GreenletState.Suspended, state);
        Assert.Equal(GreenletState.Suspended, resurrected.Value!.State);
        Assert.Equal("went on with more", resurrected.Value.Switch("more"));
        Assert.True(resurrected.Value.IsDead);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Abandon(Cell<Greenlet?> resurrected)
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                catch (GreenletExit)
                {
                    resurrected.Value = Greenlet.Current;
                }

                return $"went on with {main.Switch()}";
            })
            {
                Name = "swallows",
            };
            _ = greenlet.Switch();
        }
    });

    [Fact]
    [FeatureRow(82)]
    public void A_greenlet_that_swallowed_its_exit_is_killed_again_when_abandoned_again() => OnThread.Run(() =>
    {
        using Unobserved unobserved = new();
        Cell<int> exits = new();
        Abandon(exits);

        UseUntil(() => exits.Value == 3);

        Assert.Equal(2, unobserved.Of("stubborn").Count);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Abandon(Cell<int> exits)
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                while (exits.Value < 3)
                {
                    try
                    {
                        _ = main.Switch();
                    }
                    catch (GreenletExit)
                    {
                        exits.Value++;
                    }
                }
            })
            {
                Name = "stubborn",
            };
            _ = greenlet.Switch();
        }
    });

    [Fact]
    [FeatureRow(82)]
    public void Cleanup_that_switches_elsewhere_does_not_keep_others_from_being_killed() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        using Unobserved unobserved = new();
        Cell<int> finallies = new();
        Cell<Greenlet?> strayed = new();
        Cell<bool> hasStrayed = new();

        // The killer waits inside the library for one whose cleanup went to main and does not come back.
        Greenlet killer = new(() =>
        {
            Stray(main, strayed);
            UseUntil(() => hasStrayed.Value);
        });
        _ = killer.Switch();
        hasStrayed.Value = true;
        Assert.NotNull(strayed.Value);

        _ = Abandon(finallies);

        UseUntil(() => finallies.Value == 1);
        Assert.Equal(GreenletState.Suspended, killer.State);
        _ = strayed.Value.Switch(); // ends; its parent for the time being is the killer, which ends too
        Assert.True(strayed.Value.IsDead);
        Assert.True(killer.IsDead);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Stray(Greenlet main, Cell<Greenlet?> strayed)
        {
            Greenlet killer = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = killer.Switch();
                }
                finally
                {
                    strayed.Value = Greenlet.Current;
                    _ = main.Switch();
                }
            });
            _ = greenlet.Switch();
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_exception_thrown_at_the_killer_meanwhile_is_the_killers(bool isVictimDead) => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        using Unobserved unobserved = new();
        Cell<Greenlet?> strayed = new();
        string name = $"strays {isVictimDead}";
        string? caught = null;
        Greenlet killer = new(() =>
        {
            try
            {
                Stray(main, strayed, name);
                UseUntil(() => false);
            }
            catch (InvalidTimeZoneException exception)
            {
                caught = exception.Message;
            }
        });
        _ = killer.Switch(); // returns from the cleanup, while the killer waits inside the library
        if (isVictimDead)
        {
            strayed.Value!.Dispose(); // ends it, and the killer waits on
            Assert.True(strayed.Value.IsDead);
        }

        _ = killer.Throw(new InvalidTimeZoneException("for the killer"));

        Assert.Equal("for the killer", caught);
        Assert.True(killer.IsDead);
        Assert.Empty(unobserved.Of(name));
        strayed.Value!.Dispose();
        Assert.True(strayed.Value.IsDead);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Stray(Greenlet main, Cell<Greenlet?> strayed, string name)
        {
            Greenlet killer = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = killer.Switch();
                }
                finally
                {
                    strayed.Value = Greenlet.Current;
                    _ = main.Switch();
                }
            })
            {
                Name = name,
            };
            _ = greenlet.Switch();
        }
    });

    [Fact]
    [FeatureRow(83)]
    public void An_exception_that_escapes_a_kill_goes_to_UnobservedException() => OnThread.Run(() =>
    {
        using Unobserved unobserved = new();
        Abandon();

        UseUntil(() => unobserved.Of("escapes").Count != 0); // and nothing is thrown here

        (Exception exception, int threadId, GreenletState state) = Assert.Single(unobserved.Of("escapes"));
        Assert.Equal("escaped", Assert.IsType<InvalidTimeZoneException>(exception).Message);
        Assert.Equal(Environment.CurrentManagedThreadId, threadId);
        Assert.Equal(GreenletState.Dead, state);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Abandon()
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    Fail();
                }
            })
            {
                Name = "escapes",
            };
            _ = greenlet.Switch();

            static void Fail() => throw new InvalidTimeZoneException("escaped");
        }
    });

    [Fact]
    [FeatureRow(84)]
    public void One_that_another_thread_dropped_is_killed_by_its_own() => OnThread.Run(() =>
    {
        using Worker worker = new();
        List<int> threads = [];
        (Cell<Greenlet?> cell, WeakReference<Greenlet> reference) = Create(threads);

        worker.Do(() =>
        {
            cell.Value = null;
            Collector.AssertCollected(reference, "the greenlet that was dropped here");
            Collector.Collect();
            for (int i = 0; i < 10; i++)
            {
                _ = new Greenlet(() => { }).Switch(); // another thread's use of the library is not its own
            }
        });
        Assert.Empty(threads);
        UseUntil(() => threads.Count != 0);

        Assert.Equal([Environment.CurrentManagedThreadId], threads);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Cell<Greenlet?> Cell, WeakReference<Greenlet> Reference) Create(List<int> threads)
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    threads.Add(ThisRun.ThreadId);
                }
            });
            _ = greenlet.Switch();
            return (new Cell<Greenlet?> { Value = greenlet }, new WeakReference<Greenlet>(greenlet));
        }
    });

    [FactOn(Backends.Segments | Backends.Slices, Because = "End of the owner's thread")]
    [FeatureRow(85)]
    public void At_the_end_of_their_thread_suspended_greenlets_die_without_running_their_cleanup()
    {
        Cell<int> finallies = new();
        Cell<Greenlet?> kept = new();
        using (Worker worker = new())
        {
            worker.Do(() =>
            {
                Keep(kept, finallies);
                _ = Abandon(finallies); // last: at its next use of the library the thread might kill it
            });
        }

        Assert.True(kept.Value!.IsDead);
        Expect.Failure(GreenletError.ThreadExited, () => kept.Value.Switch());
        Collector.Collect();
        _ = Greenlet.Current;
        Assert.Equal(0, finallies.Value);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Keep(Cell<Greenlet?> kept, Cell<int> finallies)
        {
            kept.Value = Suspended(finallies);
        }
    }

    [FactOn(Backends.Threads, Because = "End of the owner's thread")]
    [FeatureRow(85)]
    public void At_the_end_of_their_thread_greenlets_that_are_threads_are_dead_and_run_their_cleanup()
    {
        const int Count = 50;
        ConcurrentQueue<string> log = [];
        List<Greenlet> kept = []; // or a collection in a test beside this one has them killed before the end
        using (Worker worker = new())
        {
            worker.Do(() =>
            {
                for (int i = 0; i < Count; i++)
                {
                    kept.Add(Suspend(log));
                }
            });
            Assert.Empty(log);
        }

        Assert.All(kept, greenlet => Assert.True(greenlet.IsDead));
        Expect.Failure(GreenletError.ThreadExited, () => kept[^1].Switch());
        SpinWait.SpinUntil(() => log.Count >= 3 * Count, OnThread.Patience);
        Assert.Equal(Enumerable.Repeat<string[]>(["GreenletExit", "ThreadExited", "end"], Count).SelectMany(each => each), log);

        static Greenlet Suspend(ConcurrentQueue<string> log)
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                catch (GreenletExit)
                {
                    log.Enqueue(nameof(GreenletExit));
                    try
                    {
                        _ = main.Switch();
                    }
                    catch (GreenletException exception)
                    {
                        log.Enqueue($"{exception.Reason}"); // there is nobody left to switch to
                    }

                    log.Enqueue("end");
                    throw;
                }
            });
            _ = greenlet.Switch();
            return greenlet;
        }
    }

    [Fact]
    [FeatureRow(85)]
    public void What_only_greenlets_of_an_ended_thread_held_is_collected()
    {
        WeakReference<object> held = null!;
        Greenlet greenlet = null!;
        using (Worker worker = new())
        {
            worker.Do(() => (held, greenlet) = Suspend());
        }

        Assert.True(greenlet.IsDead);
        Collector.AssertCollected(held, "an object on the stack of a greenlet whose thread ended");
        GC.KeepAlive(greenlet);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (WeakReference<object> Held, Greenlet Greenlet) Suspend()
        {
            object held = new();
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                _ = main.Switch();
                GC.KeepAlive(held);
            });
            _ = greenlet.Switch();
            return (new WeakReference<object>(held), greenlet);
        }
    }

    [Fact]
    [FeatureRow(88)]
    public void Cycles_through_unstarted_and_dead_greenlets_are_collected() => OnThread.Run(() =>
    {
        WeakReference<Greenlet>[] references = [Unstarted(), Dead(), Killed()];

        Collector.CollectUntil(() => Array.TrueForAll(references, reference => !reference.TryGetTarget(out _)), "all were collected");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Unstarted()
        {
            Cyclic greenlet = new(_ => null);
            greenlet.Self = greenlet;
            return new WeakReference<Greenlet>(greenlet);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Dead()
        {
            Cyclic greenlet = new(value => value);
            greenlet.Self = greenlet;
            _ = greenlet.Switch(greenlet);
            return new WeakReference<Greenlet>(greenlet);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Killed()
        {
            Cyclic greenlet = null!;
            greenlet = new Cyclic(_ => greenlet.Parent!.Switch(greenlet));
            greenlet.Self = greenlet;
            _ = greenlet.Switch();
            greenlet.Dispose();
            return new WeakReference<Greenlet>(greenlet);
        }
    });

    [Fact]
    [FeatureRow(89)]
    public void A_cycle_inside_a_suspended_frame_lives_as_long_as_the_greenlet() => OnThread.Run(() =>
    {
        (Cell<Greenlet?> greenlet, WeakReference<object> member) = Create();
        Collector.Collect();
        Assert.True(IsAlive(member));

        greenlet.Value = null;

        UseUntil(() => !member.TryGetTarget(out _));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Cell<Greenlet?> Greenlet, WeakReference<object> Member) Create()
        {
            WeakReference<object> member = new(null!);
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                object?[] first = [null];
                object?[] second = [first];
                first[0] = second;
                member.SetTarget(first);
                _ = main.Switch();
                GC.KeepAlive(first);
            });
            _ = greenlet.Switch();
            return (new Cell<Greenlet?> { Value = greenlet }, member);
        }
    });

    [Fact]
    [FeatureRow(89)]
    public void A_suspended_greenlet_that_its_own_stack_refers_to_must_be_disposed_of() => OnThread.Run(() =>
    {
        Cell<int> finallies = new();
        WeakReference<Greenlet> reference = Create(finallies);
        for (int i = 0; i < 5; i++)
        {
            Collector.Collect();
            _ = Greenlet.Current;
        }

        Assert.True(IsAlive(reference));
        Assert.Equal(0, finallies.Value);

        Dispose(reference);

        Assert.Equal(1, finallies.Value);
        Collector.AssertCollected(reference, "the greenlet once it was disposed of");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Create(Cell<int> finallies)
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = null!;
            greenlet = new Greenlet(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    finallies.Value++;
                    GC.KeepAlive(greenlet); // its own stack refers to it
                }
            });
            _ = greenlet.Switch();
            return new WeakReference<Greenlet>(greenlet);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Dispose(WeakReference<Greenlet> reference)
        {
            Assert.True(reference.TryGetTarget(out Greenlet? greenlet));
            greenlet.Dispose();
        }
    });

    [Fact]
    [FeatureRow(90)]
    public void Cleanup_that_switches_and_collects_is_safe_at_every_point_where_it_may_run() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Cell<int> cleanups = new();
        Greenlet echo = new(value =>
        {
            while (true)
            {
                value = main.Switch(value);
            }
        });
        for (int i = 0; i < 100; i++)
        {
            _ = Abandon(new Cell<int>(), () =>
            {
                Greenlet nested = new(value => Greenlet.Current.Parent!.Switch(value));
                _ = nested.Switch("nested");
                GC.Collect(0);
                nested.Dispose();
                cleanups.Value++;
            });
            if (i % 10 == 0)
            {
                Collector.Collect();
            }

            Assert.Equal(i, echo.Switch(i));
        }

        UseUntil(() => cleanups.Value == 100);
        echo.Dispose();
    });

    [Fact]
    [FeatureRow(91)]
    public void Finalizers_may_create_and_switch_greenlets() => OnThread.Run(() =>
    {
        Cell<string?> result = new();
        Drop(result);

        Collector.CollectUntil(() => result.Value is not null, "the finalizer ran");

        Assert.Equal("main 1 2 3 end True", result.Value);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Drop(Cell<string?> result) => _ = new Finalizable(result);
    });

    [Fact]
    [FeatureRow(92)]
    public void Derived_classes_killed_by_the_collector_are_all_collected() => OnThread.Run(() =>
    {
        Cell<int> finallies = new();
        List<WeakReference<Greenlet>> references = [];
        for (int i = 0; i < 100; i++)
        {
            references.Add(Create(finallies));
        }

        UseUntil(() => finallies.Value == 100 && references.TrueForAll(reference => !reference.TryGetTarget(out _)));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Create(Cell<int> finallies)
        {
            Greenlet main = Greenlet.Current;
            Cyclic greenlet = new(_ => Wait(main, finallies));
            greenlet.Self = greenlet;
            _ = greenlet.Switch();
            return new WeakReference<Greenlet>(greenlet);
        }
    });

    [FactOn(Backends.Segments | Backends.Threads, Because = "What a stack refers to", Optimized = true)]
    [FeatureRow(92)]
    public void A_derived_class_whose_Run_no_longer_needs_itself_is_killed_by_the_collector() => OnThread.Run(() =>
    {
        Cell<int> finallies = new();
        WeakReference<Greenlet> reference = Create(finallies);

        UseUntil(() => finallies.Value == 1 && !reference.TryGetTarget(out _));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Create(Cell<int> finallies)
        {
            Waiting greenlet = new(finallies);
            _ = greenlet.Switch();
            return new WeakReference<Greenlet>(greenlet);
        }
    });

    [Fact]
    public void A_greenlet_brought_back_by_a_long_weak_reference_goes_on() => OnThread.Run(() =>
    {
        // Its finalizer has already asked for it to be killed: it is, but whoever has it still has a dead greenlet.
        Cell<int> finallies = new();
        WeakReference<Greenlet> reference = Create(finallies);
        Collector.Collect();
        Collector.Collect();
        Assert.True(reference.TryGetTarget(out Greenlet? greenlet));

        _ = greenlet.Switch();

        Assert.True(greenlet.IsDead);
        Assert.Equal(1, finallies.Value);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Create(Cell<int> finallies) => new(Suspended(finallies), trackResurrection: true);
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsAlive<T>(WeakReference<T> reference)
        where T : class =>
        reference.TryGetTarget(out _);

    // Uses the library until something is so.
    private static void UseUntil(Func<bool> isSo) => Collector.CollectUntil(
        () =>
        {
            _ = Greenlet.Current;
            return isSo();
        },
        "what was to be killed was killed");

    // What its methods leave on the stack lies far below: the frames of those that are called next have holes, which a conservative collector
    // takes for references, and they end before that.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference<Greenlet> Abandon(Cell<int> finallies, Action? cleanup = null)
    {
        Span<byte> gap = stackalloc byte[16 << 10];
        gap.Clear();
        return AbandonHere(finallies, cleanup);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference<Greenlet> AbandonHere(Cell<int> finallies, Action? cleanup) => new(Suspended(finallies, cleanup));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Greenlet Suspended(Cell<int> finallies, Action? cleanup = null)
    {
        Greenlet creator = Greenlet.Current; // a temporary for the greenlet's own would keep it alive from its stack
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = creator.Switch();
            }
            finally
            {
                cleanup?.Invoke();
                finallies.Value++;
            }
        });
        _ = greenlet.Switch();
        return greenlet;
    }

    private static object? Wait(Greenlet main, Cell<int> finallies)
    {
        try
        {
            return main.Switch();
        }
        finally
        {
            finallies.Value++;
        }
    }

    private sealed class Cell<T>
    {
        public T Value { get; set; } = default!;
    }

    private sealed class Cyclic(Func<object?, object?> run) : Greenlet(run)
    {
        public Greenlet? Self { get; set; }
    }

    private sealed class Waiting(Cell<int> finallies) : Greenlet
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override object? Run(object? value) => Wait(Parent!, finallies);
    }

    private sealed class Finalizable(Cell<string?> result)
    {
        ~Finalizable()
        {
            try
            {
                Greenlet main = Greenlet.Current;
                List<string> log = [main.Name!];
                Greenlet greenlet = new(() =>
                {
                    for (int i = 1; i <= 3; i++)
                    {
                        _ = main.Switch($"{i}");
                    }

                    return "end";
                });
                while (!greenlet.IsDead)
                {
                    log.Add((string)greenlet.Switch()!);
                }

                log.Add($"{main.IsMain}");
                result.Value = string.Join(' ', log);
            }
            catch (Exception exception)
            {
                result.Value = exception.ToString();
            }
        }
    }
}
