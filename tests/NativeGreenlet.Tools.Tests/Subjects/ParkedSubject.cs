using System.Runtime.CompilerServices;
using NativeGreenlet.Tools.Tests.Infrastructure;

namespace NativeGreenlet.Tools.Tests.Subjects;

/// <summary>Greenlets suspended in several places, and a thread whose main greenlet is suspended, too. Each holds a
/// <see cref="Treasure"/>, and looks at it again in the end.</summary>
internal static class ParkedSubject
{
    public const int CleanCount = 3;

    private static int s_found;

    /// <summary>The places where a treasure is held, and the methods that hold them.</summary>
    public static IReadOnlyList<(string Place, string Method)> Places { get; } =
    [
        .. Enumerable.Range(0, CleanCount).Select(i => ($"clean {i}", nameof(HoldClean))),
        ("catch", nameof(HoldInCatch)),
        ("filter", nameof(HoldInFilter)),
        ("main", nameof(HoldInMain)),
        ("running", nameof(HoldWhileRunning)),
    ];

    public static void Run()
    {
        List<Greenlet> greenlets = [];
        for (int i = 0; i < CleanCount; i++)
        {
            int index = i;
            greenlets.Add(new Greenlet(() => HoldClean(index)));
        }

        greenlets.Add(new Greenlet(HoldInCatch));
        greenlets.Add(new Greenlet(HoldInFilter));
        greenlets.ForEach(greenlet => greenlet.Switch());
        HoldInMain();

        GC.Collect();
        greenlets.ForEach(greenlet => greenlet.Switch());
        if (s_found != Places.Count || greenlets.Exists(greenlet => !greenlet.IsDead))
        {
            throw new InvalidOperationException($"{s_found} of {Places.Count} treasures were found again.");
        }
    }

    private static void Suspend() => _ = Greenlet.Current.Parent!.Switch();

    private static bool SuspendInFilter()
    {
        Suspend();
        return true;
    }

    private static void Check(Treasure treasure, string place)
    {
        if (treasure.Place == place)
        {
            s_found++;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HoldClean(int index)
    {
        string place = $"clean {index}";
        Treasure treasure = new(place);
        Suspend();
        Check(treasure, place);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HoldInCatch()
    {
        Treasure treasure = new("catch");
        try
        {
            throw new InvalidOperationException();
        }
        catch (InvalidOperationException)
        {
            Suspend();
        }

        Check(treasure, "catch");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HoldInFilter()
    {
        Treasure treasure = new("filter");
        try
        {
            throw new InvalidOperationException();
        }
        catch (InvalidOperationException) when (SuspendInFilter())
        {
            Check(treasure, "filter");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HoldInMain()
    {
        Treasure treasure = new("main");
        _ = new Greenlet(HoldWhileRunning).Switch();
        Check(treasure, "main");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HoldWhileRunning()
    {
        Treasure treasure = new("running");
        Subject.ReadyAndWait();
        Check(treasure, "running");
    }
}
