using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Faults;

/// <summary>
/// Greenlets of the calling thread that were suspended before a fault, at various depths, some of them inside a catch
/// block, with something of everything in their frames. None of it may be lost.
/// </summary>
internal sealed class Bystanders
{
    private const int Rounds = 3;

    private readonly Greenlet[] _greenlets;

    /// <param name="count">How many; every fourth is inside a catch block.</param>
    public Bystanders(int count = 24)
    {
        _greenlets = [.. Enumerable.Range(1, count).Select(stamp => new Greenlet(value => Hold(stamp, stamp % 5, stamp % 4 == 0, value)))];
        for (int i = 0; i < count; i++)
        {
            Check.That(Equals(_greenlets[i].Switch(1_000), 1_000 + i + 1));
        }
    }

    /// <summary>Compacts the heap and lets each compare what it holds, some times over. New greenlets must work, too.</summary>
    public void Verify()
    {
        VerifySuspended();
        VerifyNewOnes();
    }

    /// <summary>As <see cref="Verify"/>, where no new ones can start.</summary>
    public void VerifySuspended()
    {
        for (int round = 0; round < Rounds; round++)
        {
            CollectorPressure.Compact(2);
            for (int i = 0; i < _greenlets.Length; i++)
            {
                Check.That(_greenlets[i].State == GreenletState.Suspended);
                Check.That(Equals(_greenlets[i].Switch(round), round + i + 1));
            }
        }
    }

    /// <summary>As <see cref="Verify"/>; and then lets each run to its end.</summary>
    public void VerifyAndEnd()
    {
        Verify();
        foreach (Greenlet greenlet in _greenlets)
        {
            Check.That(Equals(greenlet.Switch("end"), "ended"));
            Check.That(greenlet.IsDead);
        }
    }

    // New greenlets work, too, exceptions and all.
    private static void VerifyNewOnes()
    {
        Greenlet here = Greenlet.Current;
        Greenlet greenlet = new(value =>
        {
            try
            {
                return here.Switch(value);
            }
            catch (InvalidTimeZoneException exception)
            {
                return here.Switch(exception.Message);
            }
        });
        Check.That(Equals(greenlet.Switch("in and out"), "in and out"));
        Check.That(Equals(greenlet.Throw(new InvalidTimeZoneException("thrown")), "thrown"));
        Check.That(Equals(greenlet.Switch("last"), "last") && greenlet.IsDead);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static object? Hold(int stamp, int depth, bool isInCatch, object? value)
    {
        Holdings holdings = new(stamp * 100 + depth, stackalloc int[12]);
        object? result;
        if (depth > 0)
        {
            result = Hold(stamp, depth - 1, isInCatch, value);
        }
        else if (isInCatch)
        {
            try
            {
                throw new InvalidTimeZoneException(Holdings.Text(stamp));
            }
            catch (InvalidTimeZoneException exception)
            {
                result = Wait(stamp, value);
                Check.That(exception.Message == Holdings.Text(stamp));
            }
        }
        else
        {
            result = Wait(stamp, value);
        }

        holdings.Verify();
        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static object? Wait(int stamp, object? value)
    {
        Holdings holdings = new(stamp, stackalloc int[8]);
        while (value is int number)
        {
            value = Greenlet.Current.Parent!.Switch(number + stamp);
            holdings.Verify();
        }

        return "ended";
    }
}
