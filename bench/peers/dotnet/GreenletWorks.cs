using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Peer;

/// <summary>The works of Python greenlet's own benchmarks/chain.py.</summary>
internal sealed class GreenletWorks : Works
{
    private static readonly Func<object?, object?> s_body = static value => value;

    public GreenletWorks()
    {
        Add("switch", Switch);
        Add("resume", Resume);
        Add("create", Create);
        Add("throw", Throw);
        AddAllocated(BackAndForth());
        Add("chain", length =>
        {
            _ = Chain(1000);
            (TimeSpan passing, TimeSpan ending) = Chain(length);
            return $"chain {passing.TotalNanoseconds} chain-end {ending.TotalNanoseconds}";
        });
    }

    public override string Version => $"{RuntimeInformation.FrameworkDescription}, {GreenletRuntime.Backend} backend";

    // Two greenlets switch to each other.
    private static void Switch(int count)
    {
        Greenlet second = null!;
        Greenlet first = new(() => Repeat(second, count / 2));
        second = new Greenlet(() => Repeat(first, count / 2));
        _ = first.Switch();
        _ = second.Switch();
        Debug.Assert(first.IsDead && second.IsDead);
    }

    // The main greenlet and a child switch to each other.
    private static void Resume(int count)
    {
        Greenlet main = Greenlet.Current;
        using Greenlet child = new(() => Answer(main));
        Repeat(child, count / 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Answer(Greenlet other)
    {
        while (true)
        {
            _ = other.Switch();
        }
    }

    // The same with a child that stays.
    private static Action<int> BackAndForth()
    {
        Greenlet main = Greenlet.Current;
        Greenlet child = new(() => Answer(main));
        return count => Repeat(child, count / 2);
    }

    // Raise an exception in a child, which catches it and switches back.
    private static void Throw(int count)
    {
        Greenlet main = Greenlet.Current;
        using Greenlet child = new(() => Catch(main));
        _ = child.Switch();
        for (int i = 0; i < count; i++)
        {
            _ = child.Throw(new InvalidOperationException());
        }
    }

    private static void Catch(Greenlet other)
    {
        while (true)
        {
            try
            {
                _ = other.Switch();
            }
            catch (InvalidOperationException)
            {
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Repeat(Greenlet other, int count)
    {
        for (int i = 0; i < count; i++)
        {
            _ = other.Switch();
        }
    }

    // Create a greenlet, run it, let it die.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Create(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _ = new Greenlet(s_body).Switch();
        }
    }

    // All of them suspended at once; then a value passes through.
    private static (TimeSpan Passing, TimeSpan Ending) Chain(int length)
    {
        Greenlet[] links = new Greenlet[length];
        long start = Stopwatch.GetTimestamp();
        Greenlet following = Greenlet.Current;
        for (int i = 0; i < length; i++)
        {
            Greenlet link = new(Link);
            _ = link.Switch(following);
            links[i] = link;
            following = link;
        }

        if (following.Switch(0) is not int passed || passed != length)
        {
            throw new InvalidOperationException("The chain is broken.");
        }

        long middle = Stopwatch.GetTimestamp();
        foreach (Greenlet link in links)
        {
            _ = link.Switch();
        }

        return (Stopwatch.GetElapsedTime(start, middle), Stopwatch.GetElapsedTime(middle));
    }

    private static object? Link(object? following)
    {
        object? value = Greenlet.Current.Parent!.Switch();
        _ = ((Greenlet)following!).Switch((int)value! + 1);
        return null;
    }
}
