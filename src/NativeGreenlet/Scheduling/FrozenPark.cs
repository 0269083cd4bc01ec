using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Scheduling;

/// <summary>
/// What is set aside of a greenlet that has been parked for long: <see cref="GreenletCore.Native"/> is a stand-in meanwhile, which
/// every switch refuses. So whatever continues it comes through <see cref="Carrier"/>'s slow path, and a switch has nothing to
/// look at.
/// </summary>
/// <remarks>In memory of its own: an object more for each of a million frozen greenlets is a quarter of what a full collection takes.
/// It is never given back to the system, because other threads may look; the next greenlet gets it.</remarks>
internal unsafe struct FrozenPark
{
    private const int Slab = 64; // at a time

    private static readonly Lock s_lock = new();
    private static FrozenPark* s_free;

    private FrozenPark* _next;

    /// <summary>The greenlet itself; null while it is not set aside.</summary>
    public ng_greenlet* Native;

    /// <summary>What the native library keeps of it while it is frozen.</summary>
    public ng_frozen* Frozen;

    /// <summary>Bytes of stack that it uses while it is frozen.</summary>
    public long StackBytes;

    /// <summary>When it was frozen, by <see cref="FreezeTick.Count"/>.</summary>
    public long FrozenAt;

    /// <summary>Times that it was found as it had been set aside.</summary>
    public int Age;

    /// <summary>Times that one was frozen with it, by whichever greenlet.</summary>
    public int Number;

    /// <summary>Lessons that were given for it and did not suffice.</summary>
    public int Lessons;

    /// <summary>How often it has to be found so before it is frozen: more for one that was continued soon after it was frozen.</summary>
    public int Patience;

    /// <summary>Whether it cannot be frozen as it is parked now.</summary>
    public bool IsRefused;

    /// <summary>Gives one that no greenlet has.</summary>
    /// <param name="patience">See <see cref="Patience"/>.</param>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    public static FrozenPark* Take(int patience)
    {
        lock (s_lock)
        {
            if (s_free is null)
            {
                FrozenPark* slab = (FrozenPark*)NativeMemory.AllocZeroed(Slab, (nuint)sizeof(FrozenPark));
                for (int i = 0; i < Slab; i++)
                {
                    slab[i]._next = s_free;
                    s_free = slab + i;
                }
            }

            FrozenPark* park = s_free;
            s_free = park->_next;
            *park = new FrozenPark { Number = park->Number, Patience = patience };
            return park;
        }
    }

    /// <summary>Takes one back from a greenlet that has ended.</summary>
    /// <param name="park">It; null for none.</param>
    public static void GiveBack(FrozenPark* park)
    {
        if (park is not null)
        {
            lock (s_lock)
            {
                park->Native = null;
                park->Frozen = null;
                park->_next = s_free;
                s_free = park;
            }
        }
    }
}
