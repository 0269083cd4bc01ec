using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>Shapes that are learned side by side, with the same collections. Each test runs in a process of its own.</summary>
public class LessonTests
{
    private const int Paths = 20;
    private const int OfEach = 60;
    private const int MostTicks = 6;
    private const int MostLooks = 20; // a look takes more than one switch

    [LinuxFact]
    public void Shapes_are_learned_side_by_side() => FreezingTests.Survives("auto", LearnAlone);

    [LinuxFact]
    public void Shapes_are_learned_side_by_side_while_other_threads_collect() => FreezingTests.Survives("auto", LearnBesideOthers);

    [LinuxFact]
    public void A_crowd_of_many_shapes_is_frozen_within_few_collections() => FreezingTests.Survives("auto", FreezeCrowd, ("DOTNET_GCgen0size", "0x4000000"));

    private static void LearnAlone() => LearnAll(isPressed: false);

    private static void LearnBesideOthers() => LearnAll(isPressed: true);

    private static void LearnAll(bool isPressed) => OnThread.Run(() =>
    {
        _ = Parked(static () => true);
        Assert.True(FreezeLessons.IsReady, GreenletRuntime.Description);
        using CollectorPressure? pressure = isPressed ? new(1) : null;
        Greenlet[] parked =
        [
            .. ParkedFrames.All.Select(static body => Parked(() => body(1))),
            .. Enumerable.Range(0, Paths).Select(static path => Parked(() => Path(path, 8, new string('x', path)) == path)),
        ];
        long lessons = GreenletDiagnostics.Freezing.Lessons;
        int collections = GC.CollectionCount(0);
        Learn(parked);
        lessons = GreenletDiagnostics.Freezing.Lessons - lessons;
        collections = GC.CollectionCount(0) - collections;
        Assert.True(lessons >= Paths, $"{lessons} lessons");
        Assert.True(isPressed || collections <= lessons / 2, $"{collections} collections for {lessons} lessons"); // at least 3 for each by itself

        foreach (Greenlet greenlet in parked)
        {
            unsafe
            {
                Assert.Equal(ng_freeze_verdict.POSSIBLE, Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages: true));
            }
        }

        Assert.Equal(parked.Length, GreenletDiagnostics.Frozen);
        for (int i = 0; i < 3; i++)
        {
            CollectorPressure.Compact(i % 2);
        }

        foreach (Greenlet greenlet in parked)
        {
            object? result = null;
            while (!greenlet.IsDead)
            {
                result = greenlet.Switch();
            }

            Assert.True(result is true);
        }
    });

    // There are more shapes than are learned at a time.
    private static void Learn(Greenlet[] parked)
    {
        foreach (Greenlet[] some in parked.Chunk(FreezeLessons.MostAtATime))
        {
            Assert.True(Carrier.LearnNow(Array.ConvertAll(some, static greenlet => greenlet.Core)));
        }
    }

    private static void FreezeCrowd() => OnThread.Run(() =>
    {
        Greenlet other = new(static _ => PassOn());
        _ = other.Switch();
        Greenlet[] crowd = [.. Enumerable.Range(0, Paths * OfEach).Select(static i => Parked(() => Path(i % Paths, 8, new string('x', i % Paths)) == i % Paths))];
        Assert.True(FreezeLessons.IsReady, GreenletRuntime.Description);
        int ticks = 0;
        while (GreenletDiagnostics.Frozen < crowd.Length)
        {
            Assert.True(++ticks <= MostTicks, $"{GreenletDiagnostics.Frozen} of {crowd.Length} are frozen, {GreenletDiagnostics.Freezing.Lessons} lessons. {FreezeFigures.Line}");
            FreezingTests.Tick();
            for (int i = 0; i < MostLooks; i++)
            {
                _ = other.Switch(); // which freezes some
            }
        }

        Assert.All(crowd, static greenlet => Assert.True(greenlet.Switch() is true));
    });

    private static object? PassOn()
    {
        while (true)
        {
            _ = Greenlet.Current.Parent!.Switch();
        }
    }

    private static Greenlet Parked(Func<bool> body)
    {
        Greenlet greenlet = new(_ => body());
        _ = greenlet.Switch();
        return greenlet;
    }

    // Each path is other return addresses.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Path(int path, int depth, string text)
    {
        if (depth == 0)
        {
            ParkedFrames.Park();
            return text.Length;
        }

        int result = (path & 1) == 0 ? Path(path >> 1, depth - 1, text) : OtherPath(path >> 1, depth - 1, text);
        return result == text.Length ? result : -1;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int OtherPath(int path, int depth, string text) => Path(path, depth, text) is var result && result == text.Length ? result : -1;
}
