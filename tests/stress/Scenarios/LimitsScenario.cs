using System.Linq.Expressions;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>The runtime knows how much of a greenlet's stack is left.</summary>
internal sealed class LimitsScenario : Scenario
{
    private const int Frame = 1024;
    private const int LeastFrames = 100; // of the 1 MiB of a stack all but 192 KiB can be used
    private static readonly int s_mostFrames = GreenletRuntime.Backend == GreenletBackend.Slices ? 1 << 20 : 4096; // a thread's own stack may be any size
    private const int Rounds = 20;

    public override string Name => "limits";

    public override string Summary => "TryEnsureSufficientExecutionStack at a greenlet's entry, near its end, and after switches";

    public override int Run(Options options)
    {
        using CollectorPressure pressure = new(options.Seed);
        RunOnThisThread();
        Thread thread = new(RunOnThisThread);
        thread.Start();
        thread.Join();
        Console.WriteLine("ok");
        return 0;
    }

    private static void RunOnThisThread()
    {
        CheckSufficient();
        for (int round = 0; round < Rounds; round++)
        {
            Greenlet greenlet = new(Body);
            while (!greenlet.IsDead)
            {
                _ = greenlet.Switch();
                CheckSufficient();
            }
        }
    }

    private static void Body()
    {
        CheckSufficient();

        // It turns false before the stack ends, and code that asks for it finds its way out.
        int frames = CountFrames(0);
        Check.That(frames > LeastFrames && frames < s_mostFrames);
        CheckSufficient();
        try
        {
            _ = EnsureForEver(0);
            Check.Fail("the stack has no end");
        }
        catch (InsufficientExecutionStackException)
        {
            // A handler runs below the frames that it unwinds: still near the end.
            _ = Greenlet.Current.Parent!.Switch();
        }

        CheckSufficient();

        // An exception deep down, and a fault by the hardware there.
        for (int i = 0; i < 3; i++)
        {
            try
            {
                _ = Fault(i * 100, null);
                Check.Fail("an exception was lost");
            }
            catch (NullReferenceException)
            {
                _ = Greenlet.Current.Parent!.Switch();
            }

            CheckSufficient();
        }

        // The expression compiler asks before each step, and goes on on another thread when told so.
        ParameterExpression parameter = Expression.Parameter(typeof(int));
        Expression sum = parameter;
        for (int i = 0; i < 200; i++)
        {
            sum = Expression.Add(sum, Expression.Constant(i));
        }

        Check.That(Expression.Lambda<Func<int, int>>(sum, parameter).Compile()(1) == 1 + 199 * 200 / 2);
    }

    private static void CheckSufficient() => Check.That(RuntimeHelpers.TryEnsureSufficientExecutionStack());

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int CountFrames(int frames)
    {
        Span<byte> room = stackalloc byte[Frame];
        room[frames % Frame] = 1;
        if (frames == s_mostFrames || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            return frames;
        }

        int result = CountFrames(frames + 1);
        return result + room[frames % Frame] - 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int EnsureForEver(int frames)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return EnsureForEver(frames + 1) + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Fault(int frames, Cell? nothing)
    {
        Span<byte> room = stackalloc byte[Frame];
        room[frames % Frame] = 1;
        return (frames == 0 ? nothing!.Stamp : Fault(frames - 1, nothing)) + room[frames % Frame];
    }
}
