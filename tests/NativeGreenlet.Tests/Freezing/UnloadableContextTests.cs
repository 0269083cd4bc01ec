using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>Frozen greenlets beside assemblies that can be unloaded: those that have nothing to do with them, and those whose frames alone keep
/// them. Each test runs in a process of its own.</summary>
public class UnloadableContextTests
{
    private static readonly (string, string) s_verify = ("DOTNET_HeapVerify", "1");

    [LinuxFact]
    public void What_frozen_generic_code_runs_with_is_kept() => FreezingTests.Survives("auto", KeepContexts, s_verify);

    [LinuxFact]
    public void What_a_frozen_byref_leads_to_is_kept() => FreezingTests.Survives("auto", KeepData, s_verify);

    [LinuxFact]
    public void Both_are_kept_where_nothing_is_frozen()
    {
        FreezingTests.Survives("off", KeepContexts, s_verify);
        FreezingTests.Survives("off", KeepData, s_verify);
    }

    [LinuxFact]
    public void What_a_frozen_byref_leads_to_is_kept_where_others_lead_into_objects() => FreezingTests.Survives("auto", KeepBesideObjects, s_verify);

    [LinuxFact]
    public void What_an_abandoned_frozen_greenlet_runs_with_is_unloaded() => FreezingTests.Survives("auto", Abandon, s_verify);

    [LinuxFact]
    public void What_frozen_greenlets_ran_with_is_unloaded_after_their_thread_has_ended() => FreezingTests.Survives("auto", EndThread, s_verify);

    [LinuxFact]
    public void Assemblies_come_and_go_while_each_park_is_frozen() => FreezingTests.Survives("always", ComeAndGo, s_verify);

    [LinuxFact]
    public void There_is_a_limit_to_what_greenlets_of_one_shape_run_with() => FreezingTests.Survives("auto", ReachLimit);

    [LinuxFact]
    public void Greenlets_that_have_nothing_to_do_with_it_are_frozen() => FreezingTests.Survives("auto", FreezeOthers);

    [LinuxFact]
    public void They_are_frozen_by_default_when_it_comes_later() => FreezingTests.Survives(string.Empty, FreezeOthersBefore);

    [LinuxFact]
    public void Descriptions_of_types_and_methods_are_told_from_other_memory() => FreezingTests.Survives("auto", TellDescriptions);

    [LinuxFact]
    public void A_library_that_does_not_keep_it_is_found()
    {
        if (!FreezingTests.CanFreeze)
        {
            return;
        }

        InChild.Result child = InChild.Run(
            KeepContexts,
            (FreezeSetting.Variable, "auto"),
            (NativeEngine.PathVariable, BreakableLibrary.Path),
            (BreakableLibrary.FaultVariable, "context"));
        Assert.NotEqual(0, child.ExitCode);
    }

    // The same by the walk of stacks that are not frozen.
    private static bool IsOff => Environment.GetEnvironmentVariable(FreezeSetting.Variable) == "off";

    private static unsafe uint Kept => NativeMethods.ng_freeze_tick(0);

    internal static void KeepContexts() => Keep(0, 1);

    internal static void KeepData() => Keep(2);

    private static void Keep(params int[] kinds) => OnThread.Run(() =>
    {
        const int Count = 20;
        List<WeakReference> types = [];
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => Frozen(i, kinds[i % kinds.Length], types))];
        for (int i = 0; i < 5; i++)
        {
            Collector.Collect();
            UseMemory();
        }

        Assert.Equal(IsOff ? 0 : Count, GreenletDiagnostics.Frozen);
        Assert.All(types, type => Assert.True(type.IsAlive));
        for (int i = 0; i < Count; i++)
        {
            Assert.True(greenlets[i].Switch() is true && greenlets[i].IsDead, $"greenlet {i}");
            if (i == Count / 2)
            {
                AssertGone(types[..i]);
                Assert.All(types[(i + 1)..], type => Assert.True(type.IsAlive));
            }
        }

        AssertGone(types);
        Collector.CollectUntil(() => Kept == 0, "what kept them");
    });

    // The role of the word is known before it leads out of the heap.
    private static void KeepBesideObjects() => OnThread.Run(() =>
    {
        const int Count = 10;
        List<WeakReference> types = [];
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => i % 2 == 0 ? Freeze(new Greenlet(_ => UnloadableFrames.ReferToObject(i, 1))) : Frozen(i, 2, types))];
        for (int i = 0; i < 3; i++)
        {
            Collector.Collect();
            UseMemory();
        }

        Assert.All(types, type => Assert.True(type.IsAlive));
        for (int i = 0; i < Count; i++)
        {
            Assert.True(greenlets[i].Switch() is true && greenlets[i].IsDead, $"greenlet {i}");
        }

        AssertGone(types);
    });

    private static void Abandon() => OnThread.Run(() =>
    {
        List<WeakReference> types = [];
        Forget();
        Collector.CollectUntil(
            () =>
            {
                new Greenlet(() => { }).Switch();
                return GreenletDiagnostics.Live == 0;
            },
            "the abandoned greenlets");
        AssertGone(types);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget()
        {
            for (int kind = 0; kind < UnloadableFrames.Kinds; kind++)
            {
                _ = Frozen(3, kind, types);
            }
        }
    });

    private static void EndThread()
    {
        List<WeakReference> types = [];
        OnThread.Run(() =>
        {
            for (int kind = 0; kind < UnloadableFrames.Kinds; kind++)
            {
                _ = Frozen(1, kind, types);
            }
        });
        AssertGone(types);
        Collector.CollectUntil(() => Kept == 0, "what kept them");
        Assert.Equal(0, GreenletDiagnostics.Frozen);
    }

    internal static void ComeAndGo() => OnThread.Run(() =>
    {
        const int Switches = 2000;
        Random random = new(5);
        Greenlet?[] greenlets = new Greenlet?[20];
        long frozen = 0;
        for (int n = 0; n < Switches; n++)
        {
            int i = random.Next(greenlets.Length);
            if (greenlets[i] is null or { IsDead: true })
            {
                int seed = random.Next(250);
                greenlets[i] = new Greenlet(_ => random.Next(3) == 0 ? ParkedFrames.All[seed % ParkedFrames.All.Length](seed) : UnloadableFrames.Run(seed, seed % UnloadableFrames.Kinds, 6));
            }

            Assert.True(greenlets[i]!.Switch() is null or true, $"switch {n}");
            frozen = Math.Max(frozen, GreenletDiagnostics.Frozen);
            if (n % 100 == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        FreezingTests.ThrowIfOff();
        Assert.True(frozen > greenlets.Length / 2, FreezeFigures.Line);
    });

    private static void ReachLimit() => OnThread.Run(() =>
    {
        const int Limit = 64;
        List<WeakReference> types = [];
        Greenlet[] greenlets = [.. Enumerable.Range(0, Limit + 1).Select(i => new Greenlet(_ => UnloadableFrames.Run(i, 0, 1, type => types.Add(new WeakReference(type)))))];
        ng_freeze_verdict[] verdicts = [.. greenlets.Select(greenlet =>
        {
            _ = greenlet.Switch();
            _ = FreezeLessons.IsReady;
            return Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages: false);
        })];
        Assert.All(verdicts[..Limit], verdict => Assert.Equal(ng_freeze_verdict.POSSIBLE, verdict));
        Assert.Equal(ng_freeze_verdict.UNLOADABLE, verdicts[Limit]);
        Collector.Collect();
        Assert.All(types, type => Assert.True(type.IsAlive));
        Assert.True(greenlets[0].Switch() is true);
        Collector.CollectUntil(() => Kept < Limit, "what the first ran with");
        Assert.Equal(ng_freeze_verdict.POSSIBLE, Carrier.OfThisThread.FreezeNow(greenlets[Limit].Core, givesPages: false));
        Assert.All(greenlets[1..], greenlet => Assert.True(greenlet.Switch() is true));
        AssertGone(types);
    });

    internal static void FreezeOthers()
    {
        Type unloadable = UnloadableFrames.Make();
        Park();
        GC.KeepAlive(unloadable);
    }

    private static void FreezeOthersBefore()
    {
        Park(); // learns the shapes
        FreezeOthers();
    }

    private static void Park() => OnThread.Run(() =>
    {
        const int Count = 1000;
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => new Greenlet(_ => ParkedFrames.All[i % ParkedFrames.All.Length](i % 251)))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        Greenlet hot = new(() =>
        {
            while (true)
            {
                ParkedFrames.Park();
            }
        });
        Stopwatch watch = Stopwatch.StartNew();
        while (GreenletDiagnostics.Frozen < Count * 98 / 100 && watch.Elapsed < TimeSpan.FromSeconds(60))
        {
            FreezingTests.Tick();
            _ = hot.Switch();
            FreezingTests.ThrowIfOff();
        }

        Assert.True(GreenletDiagnostics.Frozen >= Count * 98 / 100, FreezeFigures.Line);
        Console.WriteLine($"{FreezeFigures.Line}; {Kept} kept; {watch.Elapsed.TotalSeconds:F1} s");
        Assert.Equal(0, GreenletDiagnostics.Freezing.Refused(GreenletFreezingRefusal.Unloadable));
        Collector.Collect();
        foreach (Greenlet greenlet in greenlets)
        {
            while (!greenlet.IsDead)
            {
                Assert.True(greenlet.Switch() is null or true);
            }
        }
    });

    private static unsafe void TellDescriptions() => OnThread.Run(() =>
    {
        _ = Freeze(new Greenlet(_ => ParkedFrames.Plain(1))).Switch();
        Type unloadable = UnloadableFrames.Make();
        Type[] types = typeof(object).Assembly.GetTypes();
        List<Type> all = [.. types, unloadable, typeof(List<>).MakeGenericType(unloadable), unloadable.MakeArrayType(), typeof(string[,]), typeof(KeyValuePair<string, int>[])];
        all.AddRange(types.Where(type => type.IsGenericTypeDefinition && Array.TrueForAll(type.GetGenericArguments(), IsFree)).Select(type => type.MakeGenericType([.. type.GetGenericArguments().Select(_ => typeof(string))])));
        Assert.All(all, type => Assert.True(Describes(type.TypeHandle.Value), type.ToString()));
        MethodInfo[] methods = [.. types.Where(type => !type.IsGenericTypeDefinition).SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))];
        Assert.All(methods, method => Assert.True(Describes(method.MethodHandle.Value), $"{method.DeclaringType} {method}"));
        MethodInfo[] instantiations = [.. methods.Where(method => method.IsGenericMethodDefinition && Array.TrueForAll(method.GetGenericArguments(), IsFree)).SelectMany(method => (Type[])[typeof(string), unloadable], (method, type) => method.MakeGenericMethod([.. method.GetGenericArguments().Select(_ => type)]))];
        Assert.True(instantiations.Length > 100, $"{instantiations.Length}");
        Assert.All(instantiations, method => Assert.True(Describes(method.MethodHandle.Value), $"{method.DeclaringType} {method}"));

        // Not in the heap or on the stack: there a word before it may lead to a type by chance, and it is taken for a method of that.
        byte* memory = (byte*)NativeMemory.AllocZeroed(4096);
        Assert.False(Describes((nint)(memory + 2048)));
        Assert.False(Describes(typeof(string).TypeHandle.Value + 1));
        Assert.False(Describes(1 << 15)); // where nothing is mapped
        Assert.False(Describes(unchecked((nint)0xfeedfacefeedfac8)));
        NativeMemory.Free(memory);

        static bool IsFree(Type parameter) => (parameter.GenericParameterAttributes & GenericParameterAttributes.SpecialConstraintMask) == 0 && parameter.GetGenericParameterConstraints().Length == 0;
    });

    private static bool Describes(nint word) => NativeMethods.ng_freeze_describes((ulong)word) != 0;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Greenlet Frozen(int seed, int kind, List<WeakReference> types) =>
        Freeze(new Greenlet(_ => UnloadableFrames.Run(seed, kind, 1, type => types.Add(new WeakReference(type)))));

    private static Greenlet Freeze(Greenlet greenlet)
    {
        _ = greenlet.Switch();
        _ = FreezeLessons.IsReady;
        if (IsOff)
        {
            return greenlet;
        }

        FreezingTests.ThrowIfOff();
        Assert.Equal(ng_freeze_verdict.POSSIBLE, Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages: true));
        return greenlet;
    }

    private static void AssertGone(List<WeakReference> types) => Collector.CollectUntil(() => !types.Exists(type => type.IsAlive), "assemblies that can be unloaded");

    // What was unloaded is overwritten.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UseMemory()
    {
        for (int i = 0; i < 20; i++)
        {
            Assert.NotNull(UnloadableFrames.Make().GetField("Number"));
        }
    }
}
