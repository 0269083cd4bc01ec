using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Assemblies in load contexts of their own: code that is unloaded while it is suspended in a greenlet, and this
/// library loaded more than once.</summary>
public class LoadContextTests
{
    [Fact]
    public void Code_that_is_unloaded_while_it_is_suspended_stays_until_its_greenlet_has_ended() => FaultProcess.Survives(UnloadWhileSuspended);

    [Fact]
    public void Code_that_is_unloaded_cleans_up_when_its_greenlet_is_dropped() => FaultProcess.Survives(UnloadAndDrop);

    [Fact]
    public void Two_copies_of_the_library_on_one_thread_and_on_two() => FaultProcess.SurvivesOnSegments(LoadTwice);

    [Fact]
    public void Two_copies_of_the_library_whose_stacks_are_threads() => FaultProcess.Survives(LoadTwice, ("NATIVEGREENLET_BACKEND", "threads"));

    private static void UnloadWhileSuspended() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        (WeakReference<AssemblyLoadContext> context, Greenlet?[] greenlets) = LoadAndPark();
        for (int i = 0; i < 10; i++)
        {
            Collector.Collect();
            CollectorPressure.Compact(2);
            foreach (Greenlet? greenlet in greenlets)
            {
                Check.That(Equals(greenlet!.Switch(i), $"plugin {i}"));
            }
        }

        Check.That(IsAlive(context));
        End(greenlets);
        Collector.AssertCollected(context, "the load context");
        bystanders.VerifyAndEnd();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void End(Greenlet?[] greenlets)
        {
            foreach (Greenlet? greenlet in greenlets)
            {
                Check.That(Equals(greenlet!.Switch("end"), "plugin ended") && greenlet.IsDead);
            }

            Array.Clear(greenlets);
        }
    });

    private static void UnloadAndDrop() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        WeakReference<AssemblyLoadContext> context = Drop();
        Plugin.Cleanups = 0; // this context's own, which nothing of the plugin touches
        Collector.CollectUntil(
            () =>
            {
                _ = Greenlet.Current;
                return AppContext.GetData(Plugin.CleanupCount) is 2;
            },
            "both ran their cleanup");
        Check.That(Plugin.Cleanups == 0);
        AppContext.SetData(Plugin.CleanupCount, null);
        Collector.AssertCollected(context, "the load context");
        bystanders.VerifyAndEnd();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<AssemblyLoadContext> Drop() => LoadAndPark().Context;
    });

    // Apart, because unoptimized code keeps what it does not want to know, too.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsAlive(WeakReference<AssemblyLoadContext> context) => context.TryGetTarget(out _);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference<AssemblyLoadContext> Context, Greenlet?[] Greenlets) LoadAndPark()
    {
        AssemblyLoadContext context = new("plugin", isCollectible: true);
        Assembly assembly = context.LoadFromAssemblyPath(typeof(Plugin).Assembly.Location);
        Type plugin = assembly.GetType(typeof(Plugin).FullName!)!;
        Check.That(plugin != typeof(Plugin));
        Func<bool, Greenlet> park = plugin.GetMethod(nameof(Plugin.Park))!.CreateDelegate<Func<bool, Greenlet>>();
        Greenlet?[] greenlets = [park(false), park(true)];
        context.Unload();
        return (new WeakReference<AssemblyLoadContext>(context, trackResurrection: true), greenlets);
    }

    private static void LoadTwice()
    {
        Bystanders bystanders = new();
        SeparateContext context = new();
        Type plugin = context.LoadFromAssemblyPath(typeof(Plugin).Assembly.Location).GetType(typeof(Plugin).FullName!)!;
        Func<string> run = plugin.GetMethod(nameof(Plugin.RunOnThisThread))!.CreateDelegate<Func<string>>();
        bool isOnSegments = GreenletRuntime.Backend == GreenletBackend.Segments;

        // On a thread of its own the other copy works beside ours; on this one it says what is wrong.
        string there = OnThread.Run(run);
        Check.That(there == "ok", there);
        string here = run();
        Check.That(isOnSegments ? here.Contains("Another copy of NativeGreenlet, in another AssemblyLoadContext", StringComparison.Ordinal) : here == "ok", here);
        bystanders.Verify();
        Task<string>[] runs = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        for (int i = 0; i < 20; i++)
        {
            bystanders.Verify();
        }

        Check.That(Array.TrueForAll(runs, each => each.GetAwaiter().GetResult() == "ok"));
        bystanders.VerifyAndEnd();
        Console.WriteLine("done");
    }

    // With a copy of the library of its own.
    private sealed class SeparateContext : AssemblyLoadContext
    {
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == typeof(Greenlet).Assembly.GetName().Name ? LoadFromAssemblyPath(typeof(Greenlet).Assembly.Location) : null;
    }
}
