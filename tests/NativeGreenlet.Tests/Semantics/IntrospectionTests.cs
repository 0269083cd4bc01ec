using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 8 of the table: rows 108 to 111.</summary>
public class IntrospectionTests
{
    [Fact]
    [FeatureRow(108, 110)]
    public void The_stack_trace_of_a_suspended_greenlet_is_innermost_first_and_all_its_own() => OnThread.Run(() =>
    {
        Greenlet greenlet = Create(() => Outer(Greenlet.Current.Parent!));
        Resume(greenlet);

        StackTrace trace = greenlet.GetStackTrace()!;

        string[] methods = [.. trace.GetFrames().Select(frame => frame.GetMethod()!.Name)];
        string[] own = [.. methods.Where(name => name is nameof(Inner) or nameof(Middle) or nameof(Outer))];
        Assert.Equal([nameof(Inner), nameof(Middle), nameof(Outer)], own);
        Assert.DoesNotContain(nameof(Create), methods);
        Assert.DoesNotContain(nameof(Resume), methods);
        Assert.DoesNotContain(methods, name => name.Contains(nameof(OnThread), StringComparison.Ordinal));
        string text = trace.ToString();
        Assert.True(text.IndexOf(nameof(Inner), StringComparison.Ordinal) < text.IndexOf(nameof(Outer), StringComparison.Ordinal), text);
        greenlet.Dispose();
    });

    [Fact]
    [FeatureRow(108)]
    public void Looking_at_the_stack_disturbs_nothing() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> events = [];
        AsyncLocal<string?> local = new() { Value = "main's" };
        Greenlet greenlet = new(() =>
        {
            local.Value = "greenlet's";
            object? received = main.Switch("first");
            return $"{received} with {local.Value}";
        });
        _ = greenlet.Switch();
        _ = Greenlet.SetTrace((kind, _, _) => events.Add($"{kind}"));

        StackTrace? once = greenlet.GetStackTrace();
        StackTrace? twice = greenlet.GetStackTrace();

        Assert.Equal(once!.ToString(), twice!.ToString());
        Assert.Empty(events);
        Assert.Equal(GreenletState.Suspended, greenlet.State);
        Assert.Equal(GreenletState.Running, main.State);
        Assert.Same(main, Greenlet.Current);
        Assert.Equal("main's", local.Value);
        Assert.Equal("second with greenlet's", greenlet.Switch("second"));
        Assert.Equal(["Switch", "Switch"], events);
    });

    [Fact]
    [FeatureRow(108)]
    public void A_greenlet_may_look_at_main_and_at_one_suspended_in_a_catch_block() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet inCatch = Create(SuspendInCatch);
        _ = inCatch.Switch();
        StackTrace? ofMain = null;
        StackTrace? ofOther = null;
        Greenlet looking = new(() =>
        {
            ofMain = main.GetStackTrace();
            ofOther = inCatch.GetStackTrace();
        });

        Resume(looking);

        Assert.Contains(ofMain!.GetFrames(), frame => frame.GetMethod()!.Name == nameof(Resume));
        Assert.Contains(ofOther!.GetFrames(), frame => frame.GetMethod()!.Name == nameof(SuspendInCatch));
        inCatch.Dispose();
    });

    [Fact]
    [FeatureRow(108)]
    public void There_is_no_stack_trace_in_other_states() => OnThread.Run(() =>
    {
        StackTrace? ofRunning = new();
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() => ofRunning = greenlet.GetStackTrace());

        Assert.Null(greenlet.GetStackTrace());
        _ = greenlet.Switch();
        Assert.Null(greenlet.GetStackTrace());
        Assert.Null(ofRunning);
        Assert.Null(Greenlet.Current.GetStackTrace());
    });

    [Fact]
    [FeatureRow(108)]
    public void Another_thread_cannot_look_at_the_stack() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => main.Switch());
        _ = greenlet.Switch();

        Expect.Failure(GreenletError.WrongThread, () => worker.Do(() => greenlet.GetStackTrace()));

        Assert.NotNull(greenlet.GetStackTrace());
        greenlet.Dispose();
    });

    [Fact]
    [FeatureRow(109)]
    public void A_greenlet_of_a_thread_that_ended_has_no_stack() => OnThread.Run(() =>
    {
        Greenlet greenlet;
        using (Worker worker = new())
        {
            greenlet = worker.Do(() =>
            {
                Greenlet main = Greenlet.Current;
                Greenlet suspended = new(() => main.Switch());
                _ = suspended.Switch();
                Assert.NotNull(suspended.GetStackTrace());
                return suspended;
            });
        }

        Assert.Null(greenlet.GetStackTrace());
        Assert.Equal(0, greenlet.StackBytesUsed);
    });

    [Fact]
    [FeatureRow(111)]
    public void Stack_bytes_are_those_of_a_suspended_greenlet() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<long> bytes = [];
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() =>
        {
            bytes.Add(greenlet.StackBytesUsed);
            _ = main.Switch();
            SuspendWith100000Bytes(main);
        });

        bytes.Add(greenlet.StackBytesUsed);
        bytes.Add(main.StackBytesUsed);
        _ = greenlet.Switch();
        long shallow = greenlet.StackBytesUsed;
        _ = greenlet.Switch();
        long deep = greenlet.StackBytesUsed;
        _ = greenlet.Switch();
        bytes.Add(greenlet.StackBytesUsed);

        Assert.Equal([0, 0, 0, 0], bytes);
        Assert.InRange(shallow, 1, 20_000);
        Assert.InRange(deep - shallow, 100_000, 120_000);
    });

    [Fact]
    public void Main_shows_no_stack_bytes_even_suspended() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        long bytes = -1;
        Greenlet greenlet = new(() => { bytes = main.StackBytesUsed; });

        _ = greenlet.Switch();

        Assert.Equal(0, bytes);
    });

    [Fact]
    [FeatureRow(27)]
    public void The_debugger_shows_the_text()
    {
        DebuggerDisplayAttribute display = typeof(Greenlet).GetCustomAttribute<DebuggerDisplayAttribute>()!;

        Assert.Equal("{ToString(),nq}", display.Value);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static Greenlet Create(Action body) => new(body);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void Resume(Greenlet greenlet) => greenlet.Switch();

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void Outer(Greenlet main) => Middle(main);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void Middle(Greenlet main) => Inner(main);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void Inner(Greenlet main) => main.Switch();

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void SuspendInCatch()
    {
        try
        {
            throw new InvalidTimeZoneException();
        }
        catch (InvalidTimeZoneException)
        {
            _ = Greenlet.Current.Parent!.Switch();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void SuspendWith100000Bytes(Greenlet main)
    {
        Span<byte> bytes = stackalloc byte[100_000];
        bytes.Fill(7);
        _ = main.Switch();
        Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)7));
    }
}
