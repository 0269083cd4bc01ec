using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Slices;

/// <summary>What is special about slices: what the collector finds in them, how large they are, what they cost. Each in a
/// process of its own, with a conservative collector.</summary>
public class SliceTests
{
    private const int Many = 200;
    private const int Crowd = 50_000;

    private static readonly (string Name, string Value)[] s_environment = [("DOTNET_gcConservative", "1"), ("NATIVEGREENLET_BACKEND", "slices")];

    [LinuxFact]
    public void What_only_a_parked_slice_refers_to_lives_and_does_not_move() => Succeeds(InChild.Run(Hold, s_environment));

    [LinuxFact]
    public void What_was_on_the_slice_of_a_dead_greenlet_is_collected() => Succeeds(InChild.Run(LetGo, s_environment));

    [LinuxFact]
    public void Most_abandoned_greenlets_are_killed() => Succeeds(InChild.Run(Abandon, s_environment));

    [LinuxFact]
    public void A_greenlet_may_use_most_of_its_threads_stack_and_saves_what_is_in_use() => Succeeds(InChild.Run(GoDeep, s_environment));

    [LinuxFact]
    public void A_long_chain_of_starts_does_not_use_up_the_stack() => Succeeds(InChild.Run(StartAChain, s_environment));

    [LinuxFact]
    public void A_parked_greenlet_takes_little_memory_and_gives_it_back() => Succeeds(InChild.Run(ParkACrowd, s_environment));

    // Broken on purpose: not scanned, scanned too short, not zeroed. The tests above must notice.
    [Theory]
    [InlineData("arena")]
    [InlineData("range")]
    [InlineData("zeros")]
    public void A_broken_library_is_noticed(string fault)
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // there are no slices
        }

        (string, string)[] environment = [.. s_environment, (NativeEngine.PathVariable, BreakableLibrary.Path)];
        Action test = fault == "zeros" ? LetGo : Hold;
        Succeeds(InChild.Run(test, environment));

        InChild.Result broken = InChild.Run(test, [.. environment, ("NATIVEGREENLET_BREAK", fault)]);

        Assert.NotEqual(0, broken.ExitCode);
    }

    private static void Succeeds(InChild.Result child) => Assert.True(
        child.ExitCode == 0 && child.Output.TrimEnd().EndsWith("done", StringComparison.Ordinal),
        $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");

    private static unsafe void Hold()
    {
        List<Greenlet> greenlets = [];
        List<(WeakReference<object> Reference, nint Address)> held = [];
        for (int i = 0; i < Many; i++)
        {
            greenlets.Add(Park(held));
        }

        for (int i = 0; i < 5; i++)
        {
            List<object> garbage = [];
            for (int j = 0; j < 10_000; j++)
            {
                garbage.Add(new byte[j % 100]); // holes, so that there is something to compact
            }

            garbage.Clear();
            Collector.Collect();
        }

        Assert.All(held, each => Assert.True(IsAt(each.Reference, each.Address)));
        greenlets.ForEach(greenlet => Assert.Equal(true, greenlet.Switch()));
        Console.WriteLine("done");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe Greenlet Park(List<(WeakReference<object> Reference, nint Address)> held)
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(_ =>
        {
            object only = new int[] { held.Count };
            held.Add((new WeakReference<object>(only), *(nint*)Unsafe.AsPointer(ref only)));
            nint before = *(nint*)Unsafe.AsPointer(ref only);
            _ = main.Switch();
            return before == *(nint*)Unsafe.AsPointer(ref only) && ((int[])only).Length == 1;
        });
        _ = greenlet.Switch();
        return greenlet;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe bool IsAt(WeakReference<object> reference, nint address) =>
        reference.TryGetTarget(out object? target) && *(nint*)Unsafe.AsPointer(ref target) == address;

    private static void LetGo()
    {
        List<(WeakReference<object> Reference, nint Address)> held = [];
        List<Greenlet> greenlets = [];
        for (int i = 0; i < Many; i++)
        {
            greenlets.Add(Park(held));
        }

        Collector.Collect();
        Assert.Equal(Many, CountAlive(held)); // each by its slice alone

        // Every fourth comes back to the stack, and ends; the others keep the arena in use around what it left. A stray word
        // may keep a few, but not what is left in the arena: that would keep them all.
        for (int i = 0; i < Many; i += 4)
        {
            Assert.Equal(true, greenlets[i].Switch());
        }

        Collector.CollectUntil(() => CountAlive(held) < (Many * 3 / 4) + (Many / 20), "what ended greenlets held was collected");
        Assert.InRange(CountAlive(held), Many * 3 / 4, Many);
        GC.KeepAlive(greenlets);
        Console.WriteLine("done");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int CountAlive(List<(WeakReference<object> Reference, nint Address)> held) => held.Count(each => each.Reference.TryGetTarget(out _));

    private static void Abandon()
    {
        List<(WeakReference<object> Reference, nint Address)> held = [];
        for (int i = 0; i < Many; i++)
        {
            _ = Park(held);
        }

        Collector.CollectUntil(
            () =>
            {
                _ = Greenlet.Current; // kills
                return GreenletDiagnostics.Live < Many / 10;
            },
            "most of them were killed");
        Console.WriteLine("done");
    }

    private static void GoDeep()
    {
        Thread thread = new(
            () =>
            {
                const int Wanted = 14 << 20;
                Greenlet main = Greenlet.Current;
                Greenlet[] deep = [.. Enumerable.Range(0, 3).Select(index => new Greenlet(_ => Descend(Wanted, index, main)))];
                Greenlet shallow = new(() => main.Switch());
                foreach (Greenlet greenlet in deep)
                {
                    _ = greenlet.Switch();
                }

                _ = shallow.Switch();
                Assert.All(deep, greenlet => Assert.InRange(greenlet.StackBytesUsed, Wanted, Wanted + (Wanted / 4)));
                Assert.InRange(shallow.StackBytesUsed, 200, 4096);
                for (int i = 0; i < deep.Length; i++)
                {
                    Assert.Equal(Wanted / 4096, deep[i].Switch());
                    Assert.Equal(0, deep[i].StackBytesUsed);
                }

                _ = shallow.Switch();
            },
            maxStackSize: 16 << 20);
        thread.Start();
        thread.Join();
        Console.WriteLine("done");
    }

    // Frames of a page each, with contents that are checked on the way back.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Descend(int bytes, int index, Greenlet main)
    {
        Span<byte> page = stackalloc byte[4096];
        page.Fill((byte)(index + bytes));
        int result = 0;
        if (bytes > 4096)
        {
            result = Descend(bytes - 4096, index, main);
        }
        else
        {
            _ = main.Switch();
        }

        return result + (page.IndexOfAnyExcept((byte)(index + bytes)) < 0 ? 1 : 0);
    }

    private static void StartAChain()
    {
        int ended = 0;
        Greenlet Next(int left) => new(() =>
        {
            if (left > 0)
            {
                _ = Next(left - 1).Switch();
            }

            ended++;
        });
        _ = Next(20_000).Switch();
        Assert.Equal(20_001, ended);
        Console.WriteLine("done");
    }

    private static void ParkACrowd()
    {
        Greenlet main = Greenlet.Current;
        static void End(List<Greenlet> greenlets)
        {
            greenlets.ForEach(greenlet => greenlet.Switch());
            greenlets.Clear();
            Collector.Collect();
        }

        End(StartMany(main));
        long before = Environment.WorkingSet;
        List<Greenlet> greenlets = StartMany(main);
        Collector.Collect();
        long each = (Environment.WorkingSet - before) / Crowd;
        Assert.True(each < 2560, $"{each} bytes for each parked greenlet");
        long peak = Environment.WorkingSet;
        End(greenlets);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        long slices = 1000L * Crowd; // each is larger than that
        Assert.True(Environment.WorkingSet < peak - (slices / 2), $"{peak} bytes at the peak, {Environment.WorkingSet} after it");
        Console.WriteLine("done");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<Greenlet> StartMany(Greenlet main)
    {
        Action body = () => main.Switch();
        List<Greenlet> greenlets = new(Crowd);
        for (int i = 0; i < Crowd; i++)
        {
            Greenlet greenlet = new(body);
            greenlets.Add(greenlet);
            _ = greenlet.Switch();
        }

        return greenlets;
    }
}
