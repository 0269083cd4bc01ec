using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>Bodies that suspend themselves once, cleanly or in the middle of something.</summary>
internal static class Parking
{
    private const int Kinds = 8;

    /// <summary>Starts greenlets that suspend themselves: every other one cleanly, the others in some other manner.</summary>
    public static List<Greenlet> Start(int count)
    {
        List<Greenlet> greenlets = [];
        for (int i = 0; i < count; i++)
        {
            int index = i;
            Greenlet greenlet = new(() => Park(index));
            greenlets.Add(greenlet);
            _ = greenlet.Switch();
            Check.That(greenlet.State == GreenletState.Suspended);
        }

        return greenlets;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Park(int index)
    {
        Holdings holdings = new(index, stackalloc int[4]);
        switch (index % Kinds)
        {
            case 1:
                InCatch();
                break;
            case 3:
                InFilter();
                break;
            case 5:
                InFinally();
                break;
            case 7:
                InComparer();
                break;
            default:
                Suspend();
                break;
        }

        holdings.Verify();
    }

    private static void Suspend() => _ = Greenlet.Current.Parent!.Switch();

    private static bool SuspendInFilter()
    {
        Suspend();
        return true;
    }

    private static void InCatch()
    {
        try
        {
            throw new InvalidOperationException();
        }
        catch (InvalidOperationException)
        {
            Suspend();
        }
    }

    private static void InFilter()
    {
        try
        {
            throw new InvalidOperationException();
        }
        catch (InvalidOperationException) when (SuspendInFilter())
        {
        }
    }

    private static void InFinally()
    {
        try
        {
            try
            {
                throw new InvalidOperationException();
            }
            finally
            {
                Suspend();
            }
        }
        catch (InvalidOperationException)
        {
        }
    }

    private static void InComparer()
    {
        int calls = 0;
        int[] numbers = [3, 1, 2];
        Array.Sort(numbers, (x, y) =>
        {
            if (calls++ == 0)
            {
                Suspend();
            }

            return x.CompareTo(y);
        });
        Check.That(numbers is [1, 2, 3]);
    }
}
