using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>The words of a thread that lead into its stack, besides the three lists: a switch exchanges each, or refuses.</summary>
public class ThreadWordsTests
{
    private const int Many = 10;
    private const string Done = "done";

    [ThreadStatic]
    private static nint t_planted;

    private static readonly (string, string)[] s_plain = [(ThreadWords.CheckVariable, "0")];
    private static readonly (string, string)[] s_checked = [(ThreadWords.CheckVariable, "1")];

    [Fact]
    public void Explicit_tail_calls_of_several_greenlets_do_not_meet()
    {
        Succeeds(InChild.Run(CallTails, s_plain));
        Succeeds(InChild.Run(CallTails, s_checked));
    }

    [Fact]
    public void Explicit_tail_calls_of_several_threads_do_not_meet() => Assert.All(WalkOnThreads(), Assert.True);

    [LinuxFact]
    public void A_library_that_leaves_tail_calls_to_the_thread_is_noticed() => Fails(CallTails, "tails", s_plain);

    [LinuxFact]
    public void A_greenlet_cannot_be_left_inside_a_type_load()
    {
        Succeeds(InChild.Run(LeaveTypeLoad, s_plain));
        Succeeds(InChild.Run(LeaveTypeLoad, s_checked));
    }

    [LinuxFact]
    public void A_library_that_does_not_look_for_pins_is_noticed() => Fails(LeaveTypeLoad, "pins", s_plain);

    [LinuxFact]
    public void Static_constructors_keep_their_lists_and_a_library_that_does_not_exchange_them_is_noticed()
    {
        Succeeds(InChild.Run(LeaveStaticConstructors, s_checked));
        if (Environment.Version.Major == 10)
        {
            Fails(LeaveStaticConstructors, "words", s_checked);
        }
    }

    // The runtime does not write to all fields of a new Thread object: what was in that memory before may lead into the stack.
    [LinuxFact]
    public void What_was_in_the_memory_of_a_thread_before_it_ran_is_no_pin()
    {
        Succeeds(InChild.Run(KeepLeftover, s_plain));
        Succeeds(InChild.Run(KeepLeftover, s_checked));
        Succeeds(InChild.Run(KeepLeftover, [.. s_plain, .. Survival.Stress.OnSlices]));
        Succeeds(InChild.Run(KeepLeftover, [.. s_checked, .. Survival.Stress.OnSlices]));
    }

    [LinuxFact]
    public void The_checking_mode_finds_a_word_in_a_thread_static_field() => Succeeds(InChild.Run(PlantInField, s_checked));

    [LinuxFact]
    public void The_checking_mode_says_that_it_is_on()
    {
        InChild.Result child = InChild.Run(Describe, s_checked);

        Assert.Contains(ThreadWords.CheckVariable, child.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(ThreadWords.CheckVariable, InChild.Run(Describe, s_plain).Output, StringComparison.Ordinal);
    }

    [LinuxFact]
    public void The_checking_mode_finds_a_word_where_the_C_library_describes_the_thread() => Succeeds(InChild.Run(PlantInThread, s_checked));

    private static void Succeeds(InChild.Result child) => Assert.True(
        child.ExitCode == 0 && child.Output.TrimEnd().EndsWith(Done, StringComparison.Ordinal),
        $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");

    private static void Fails(Action body, string fault, (string, string)[] environment)
    {
        (string, string)[] breakable = [.. environment, (NativeEngine.PathVariable, BreakableLibrary.Path)];
        Succeeds(InChild.Run(body, breakable));

        Assert.NotEqual(0, InChild.Run(body, [.. breakable, (BreakableLibrary.FaultVariable, fault)]).ExitCode);
    }

    private static void Describe() => Console.WriteLine(GreenletRuntime.Description);

    // Each in turn, all of them in the middle of a call that was made by way of the runtime's dispatcher.
    private static void CallTails()
    {
        Func<long, long, long> walk = MakeWalk(static () => Greenlet.Current.Parent?.Switch());
        long[] results = new long[Many];
        Greenlet[] greenlets = [.. Enumerable.Range(0, Many).Select(i => new Greenlet(() => { results[i] = walk(i + 1, 5); }))];
        while (greenlets.Any(each => !each.IsDead))
        {
            foreach (Greenlet each in greenlets.Where(each => !each.IsDead))
            {
                each.Switch();
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }
        }

        Require(results.Index().All(each => each.Item == each.Index + 1), string.Join(' ', results));
        Console.WriteLine(Done);
    }

    private static List<bool> WalkOnThreads()
    {
        Func<long, long, long> walk = MakeWalk(static () => Thread.Yield());
        bool[] areRight = new bool[Many];
        Thread[] threads = [.. Enumerable.Range(0, Many).Select(i => new Thread(() => areRight[i] = walk(i + 1, 5) == i + 1))];
        Array.ForEach(threads, each => each.Start());
        Array.ForEach(threads, each => each.Join());
        return [.. areRight];
    }

    // Two methods that call each other in tail position, one with more arguments than the other's frame has room for.
    private static Func<long, long, long> MakeWalk(Action pause)
    {
        Pausing.Action = pause;
        Type number = typeof(long);
        ModuleBuilder module = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Tails"), AssemblyBuilderAccess.Run).DefineDynamicModule("Tails");
        TypeBuilder type = module.DefineType("Tails", TypeAttributes.Public);
        const MethodAttributes Attributes = MethodAttributes.Public | MethodAttributes.Static;
        MethodBuilder walk = type.DefineMethod("Walk", Attributes, number, [number, number]);
        MethodBuilder visit = type.DefineMethod("Visit", Attributes, number, [.. Enumerable.Repeat(number, 12)]);
        ILGenerator code = walk.GetILGenerator();
        Label end = code.DefineLabel();
        code.Emit(OpCodes.Call, typeof(Pausing).GetMethod(nameof(Pausing.Pause))!);
        code.Emit(OpCodes.Ldarg_1);
        code.Emit(OpCodes.Brfalse, end);
        code.Emit(OpCodes.Ldarg_0);
        for (int i = 1; i < 12; i++)
        {
            code.Emit(OpCodes.Ldarg_1);
        }

        code.Emit(OpCodes.Tailcall);
        code.Emit(OpCodes.Call, visit);
        code.Emit(OpCodes.Ret);
        code.MarkLabel(end);
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ret);
        code = visit.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ldarg_1);
        code.Emit(OpCodes.Ldc_I4_1);
        code.Emit(OpCodes.Conv_I8);
        code.Emit(OpCodes.Sub);
        code.Emit(OpCodes.Tailcall);
        code.Emit(OpCodes.Call, walk);
        code.Emit(OpCodes.Ret);
        return type.CreateType().GetMethod("Walk")!.CreateDelegate<Func<long, long, long>>();
    }

    private static void LeaveTypeLoad()
    {
        Greenlet? other = new(() => { });
        GreenletException? refusal = null;
        int number = 0;
        Greenlet greenlet = new(() => number = LoadedType.Use(() =>
        {
            refusal = Record(() => other.Switch());
            Require(other.State == GreenletState.Unstarted, "the other one was touched");
            Require(Record(() => Greenlet.Current.Parent!.Switch()) is not null, "it went back to its parent");
        }));
        greenlet.Switch();
        Require(greenlet.IsDead && number == 42, $"the load gave {number}");
        Require(refusal is { Reason: GreenletError.Pinned }, "nothing was refused");
        Require(refusal!.Message.Contains("Load'", StringComparison.Ordinal) && refusal.Message.Contains("0x", StringComparison.Ordinal), refusal.Message);
        other.Switch();
        Require(other.IsDead, "the other one cannot run any more");
        Console.WriteLine(Done);
    }

    private static void LeaveStaticConstructors()
    {
        Greenlet[] greenlets = [new(() => First.Use()), new(() => Second.Use()), new(() => Third.Use())];
        while (greenlets.Any(each => !each.IsDead))
        {
            foreach (Greenlet each in greenlets.Where(each => !each.IsDead))
            {
                each.Switch();
                GC.Collect();
            }
        }

        Console.WriteLine(Done);
    }

    private static void PauseHere()
    {
        Greenlet.Current.Parent!.Switch();
        Greenlet.Current.Parent!.Switch();
    }

    private static unsafe void PlantInField()
    {
        GreenletException? refusal = null;
        Greenlet greenlet = new(() =>
        {
            long local = 0;
            t_planted = (nint)(&local);
            refusal = Record(() => Greenlet.Current.Parent!.Switch());
            t_planted = 0;
            Greenlet.Current.Parent!.Switch();
        });
        greenlet.Switch();
        Require(refusal is { Reason: GreenletError.Pinned } && refusal.Message.Contains("thread-static", StringComparison.Ordinal), refusal?.Message ?? "not found");
        greenlet.Switch();
        Console.WriteLine(Done);
    }

    // Of .NET 10 on this architecture we have seen such a field. Elsewhere nothing is written, and nothing shown.
    private static void KeepLeftover()
    {
        const int Unwritten = 256;
        object? result = null;
        Thread thread = new(() => result = Leftover(Environment.Version.Major == 10 && RuntimeInformation.ProcessArchitecture == Architecture.X64 ? Unwritten : 0));
        thread.Start();
        thread.Join();
        Require((string?)result == "ran", result?.ToString() ?? "nothing");
        Console.WriteLine(Done);
    }

    private static unsafe object? Leftover(int offset)
    {
        long local = 0;
        if (offset != 0)
        {
            *(nint*)(ThreadLocator.OfManaged(Thread.CurrentThread) + offset) = (nint)(&local);
        }

        try
        {
            return new Greenlet(() => (object)"ran").Switch();
        }
        catch (GreenletException exception)
        {
            return exception.Message;
        }
    }

    // The C library keeps for each thread how it resolves names: half a kilobyte, of which the end is not used.
    private static void PlantInThread()
    {
        Exception? failure = null;
        Thread thread = new(() => failure = Xunit.Record.Exception(Plant)); // the first thread's lies elsewhere
        thread.Start();
        thread.Join();
        Require(failure is null, failure?.ToString() ?? string.Empty);
        Console.WriteLine(Done);
    }

    private static unsafe void Plant()
    {
        if (!NativeLibrary.TryGetExport(NativeLibrary.Load("libc.so.6"), "__res_state", out nint function))
        {
            return; // another C library
        }

        nint* word = (nint*)(((delegate* unmanaged<nint>)function)() + 480);
        nint before = *word;
        GreenletException? refusal = null;
        Greenlet greenlet = new(() =>
        {
            long local = 0;
            *word = (nint)(&local);
            refusal = Record(() => Greenlet.Current.Parent!.Switch());
            *word = before;
        });
        greenlet.Switch();
        Require(refusal is { Reason: GreenletError.Pinned } && refusal.Message.Contains("C library", StringComparison.Ordinal), refusal?.Message ?? "not found");
    }

    private static GreenletException? Record(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (GreenletException exception)
        {
            return exception;
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new InvalidOperationException(message);
        }
    }

    /// <summary>What the tail calls stop at.</summary>
    public static class Pausing
    {
        internal static Action? Action { get; set; }

        /// <summary>Does it.</summary>
        public static void Pause() => Action!();
    }

    private static class First
    {
        static First() => PauseHere();

        public static void Use()
        {
        }
    }

    private static class Second
    {
        static Second() => PauseHere();

        public static void Use()
        {
        }
    }

    private static class Third
    {
        static Third() => PauseHere();

        public static void Use()
        {
        }
    }
}
