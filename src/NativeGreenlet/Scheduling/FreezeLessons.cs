using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Scheduling;

/// <summary>Learns shapes of stacks from the collector: native/src/clr/lesson.c has the questions, this the objects and the
/// collections.</summary>
internal static unsafe class FreezeLessons
{
    private const int MostFailures = 3;
    private const int Common = 4; // times that a shape is met before it is learned at leisure
    private const int Again = 2; // times before it is learned soon
    private const int Garbage = 400; // bytes between two objects, so that a collection moves them
    private const int MostNotes = 4096;
    private const int MostWords = 8192; // of all stacks that are learned side by side: each word takes an object and the garbage behind it

    private static readonly Lock s_lock = new();
    private static readonly Dictionary<ulong, int> s_met = [];
    private static readonly Dictionary<ulong, int> s_failed = [];
    private static LessonBudget s_budget; // of lessons at leisure
    private static volatile bool s_mayUnload;
    private static volatile int s_state; // 0: not prepared; 1: being checked; 2: ready; 3: off

    [SuppressMessage("Style", "IDE0052:Remove unread private members", Justification = "It is written to be garbage.")]
    private static object? s_garbage;

    /// <summary>How urgent a lesson is.</summary>
    public enum Urgency
    {
        /// <summary>When the shape is common, and not too much time has gone into lessons.</summary>
        Leisure,

        /// <summary>When the shape is met again: many are there only once.</summary>
        Soon,

        /// <summary>At once.</summary>
        Now,
    }

    /// <summary>Whether shapes can be learned. At the first call finds out; false as long as another thread does.</summary>
    public static bool IsReady => s_state == 2 || Prepare(waits: true);

    /// <summary>As <see cref="IsReady"/>, but the first call has it found out at leisure, by another thread, and is false.</summary>
    public static bool IsReadyOrSoon => s_state == 2 || Prepare(waits: false);

    /// <summary>Shapes learned, whatever has come of it.</summary>
    public static long Count { get; private set; }

    /// <summary>Whether there is code that can be unloaded, for the native library: as of the last look.</summary>
    public static uint MayUnload => s_mayUnload ? 1u : 0u;

    /// <summary>Looks whether there is code that can be unloaded. Whatever is parked now has its code for longer, so one look does for
    /// all that is frozen before the next switch.</summary>
    public static void LookForUnloadableCode() =>
        s_mayUnload = s_mayUnload || Array.Exists(AppDomain.CurrentDomain.GetAssemblies(), static assembly => assembly.IsCollectible);

    /// <summary>How many shapes are learned side by side at most.</summary>
    public const int MostAtATime = 32;

    /// <summary>Learns the shape of a greenlet that is parked on the calling thread.</summary>
    /// <param name="greenlet">The greenlet.</param>
    /// <param name="hash">Of its shape.</param>
    /// <param name="urgency">Whether it can wait.</param>
    /// <returns><see cref="ng_freeze_verdict.UNKNOWN"/> if it was not learned now.</returns>
    public static ng_freeze_verdict Learn(ng_greenlet* greenlet, ulong hash, Urgency urgency)
    {
        Debug.Assert(urgency != Urgency.Leisure);
        if (!TryBegin())
        {
            return ng_freeze_verdict.UNKNOWN;
        }

        try
        {
            if (s_failed.GetValueOrDefault(hash) >= MostFailures)
            {
                return ng_freeze_verdict.REFUSED;
            }

            return urgency == Urgency.Soon && Note(s_met, hash) < Again ? ng_freeze_verdict.UNKNOWN : Give([new(greenlet, hash, null)])[0];
        }
        finally
        {
            s_lock.Exit();
        }
    }

    /// <summary>Whether a shape is common enough to be learned at leisure: <see cref="ng_freeze_verdict.POSSIBLE"/>. It is counted
    /// with each call.</summary>
    /// <param name="hash">Of the shape.</param>
    public static ng_freeze_verdict Ask(ulong hash)
    {
        if (!TryBegin())
        {
            return ng_freeze_verdict.UNKNOWN;
        }

        try
        {
            return s_failed.GetValueOrDefault(hash) >= MostFailures ? ng_freeze_verdict.REFUSED
                : Note(s_met, hash) < Common ? ng_freeze_verdict.UNKNOWN
                : ng_freeze_verdict.POSSIBLE;
        }
        finally
        {
            s_lock.Exit();
        }
    }

    /// <summary>Whether lessons may be given at leisure now: not too much time has gone into them.</summary>
    public static bool IsTimeForMore
    {
        get
        {
            lock (s_lock)
            {
                return s_budget.Allows(Environment.TickCount64, GC.CollectionCount(0));
            }
        }
    }

    /// <summary>Learns the shapes of greenlets that are parked on the calling thread, with the same collections for all of them.</summary>
    /// <param name="wanted">The greenlets, each of another shape.</param>
    /// <returns>Whether something was learned, or found out not to be learnable.</returns>
    public static bool LearnTogether(List<Wanted> wanted)
    {
        if (!TryBegin())
        {
            return false;
        }

        try
        {
            return Array.Exists(Give(wanted), static verdict => verdict != ng_freeze_verdict.UNKNOWN);
        }
        finally
        {
            s_lock.Exit();
        }
    }

    private static bool TryBegin() => GCSettings.LatencyMode != GCLatencyMode.NoGCRegion && s_lock.TryEnter();

    // Those that are too many are UNKNOWN.
    private static ng_freeze_verdict[] Give(List<Wanted> wanted)
    {
        ng_freeze_verdict[] verdicts = new ng_freeze_verdict[wanted.Count];
        Array.Fill(verdicts, ng_freeze_verdict.UNKNOWN);
        long start = Stopwatch.GetTimestamp();
        long before = GC.CollectionCount(0);
        Learn(wanted, verdicts);
        long collections = GC.CollectionCount(0);
        s_budget.Spend(Environment.TickCount64, collections, Stopwatch.GetElapsedTime(start), collections - before);
        for (int i = 0; i < verdicts.Length; i++)
        {
            if (verdicts[i] != ng_freeze_verdict.UNKNOWN)
            {
                _ = s_met.Remove(wanted[i].Hash);
            }

            if (verdicts[i] == ng_freeze_verdict.REFUSED)
            {
                _ = Note(s_failed, wanted[i].Hash);
            }
        }

        if (!FreezeCheck.IsRunning)
        {
            FreezeTick.Start(); // if a shape is of code that can be unloaded, collections tell when that is not needed any more
        }

        return verdicts;
    }

    private static int Note(Dictionary<ulong, int> notes, ulong hash)
    {
        if (notes.Count >= MostNotes)
        {
            notes.Clear();
        }

        return ++CollectionsMarshal.GetValueRefOrAddDefault(notes, hash, out _);
    }

    // Those for which there is no room this time stay UNKNOWN.
    private static void Learn(List<Wanted> wanted, ng_freeze_verdict[] verdicts)
    {
        List<Lesson> lessons = new(Math.Min(wanted.Count, MostAtATime));
        try
        {
            Begin(wanted, verdicts, lessons);
            Span<Lesson> all = CollectionsMarshal.AsSpan(lessons);
            while (HasOpen(all))
            {
                AskOnce(all);
            }
        }
        finally
        {
            foreach (Lesson lesson in lessons)
            {
                verdicts[lesson.Index] = NativeMethods.ng_lesson_finish(lesson.Native);
                Count++;
            }
        }

        if (lessons.Exists(static lesson => lesson.Status == ng_status.ERROR_NOT_SUPPORTED))
        {
            FreezeSetting.TurnOff("the collector rewrote a word of a parked stack that was no reference");
        }
    }

    private static void Begin(List<Wanted> wanted, ng_freeze_verdict[] verdicts, List<Lesson> lessons)
    {
        uint words = 0;
        for (int i = 0; i < wanted.Count && lessons.Count < MostAtATime && words < MostWords; i++)
        {
            ng_lesson* lesson;
            ng_status status = NativeMethods.ng_lesson_create_beside(wanted[i].Greenlet, lessons.Count == 0 ? null : lessons[0].Native, &lesson);
            if (status == ng_status.OK)
            {
                lessons.Add(new Lesson(lesson, i));
                words += NativeMethods.ng_lesson_size(lesson);
            }
            else if (status == ng_status.RETRY)
            {
                return; // another copy of this library gives some
            }
            else
            {
                verdicts[i] = ng_freeze_verdict.REFUSED;
            }
        }
    }

    private static bool HasOpen(Span<Lesson> lessons)
    {
        foreach (ref Lesson lesson in lessons)
        {
            if (lesson.Status == ng_status.RETRY)
            {
                return true;
            }
        }

        return false;
    }

    // One collection, and what it says to the next question of each lesson.
    private static void AskOnce(Span<Lesson> lessons)
    {
        foreach (ref Lesson lesson in lessons)
        {
            lesson.Objects = lesson.Status == ng_status.RETRY ? YoungObjects(NativeMethods.ng_lesson_size(lesson.Native)) : null;
        }

        foreach (ref Lesson lesson in lessons)
        {
            while (lesson.Objects is { } shown && Show(lesson.Native, shown) == ng_status.NEED_RECORD)
            {
                ThreadRecords.AddForFreezing();
            }
        }

        long start = Stopwatch.GetTimestamp();
        GC.Collect(0, GCCollectionMode.Forced, blocking: true, compacting: true);
        foreach (ref Lesson lesson in lessons)
        {
            if (lesson.Objects is { } shown)
            {
                lesson.Status = Look(lesson.Native, shown);
            }
        }

        FreezeCheck.Rest(Stopwatch.GetElapsedTime(start)); // when nothing is shown any more
    }

    // Each followed by garbage: what remains is moved together.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static object[] YoungObjects(uint count)
    {
        object[] objects = new object[count];
        for (int i = 0; i < objects.Length; i++)
        {
            s_garbage = new byte[Garbage];
            objects[i] = new object();
        }

        s_garbage = null;
        return objects;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static ng_status Show(ng_lesson* lesson, object[] objects)
    {
        fixed (void* first = &Unsafe.As<object, byte>(ref MemoryMarshal.GetArrayDataReference(objects)))
        {
            return NativeMethods.ng_lesson_show(lesson, first);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static ng_status Look(ng_lesson* lesson, object[] objects)
    {
        fixed (void* first = &Unsafe.As<object, byte>(ref MemoryMarshal.GetArrayDataReference(objects)))
        {
            return NativeMethods.ng_lesson_look(lesson, first);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Prepare(bool waits)
    {
        if (FreezeCheck.IsRunning)
        {
            return true;
        }

        if (s_state != 0 || Interlocked.CompareExchange(ref s_state, 1, 0) != 0)
        {
            return false;
        }

        Thread check;
        try
        {
            check = FreezeCheck.Begin(rests: !waits, Settle);
        }
        catch (Exception exception)
        {
            Settle(exception);
            return false;
        }

        if (waits)
        {
            check.Join();
        }

        return s_state == 2;
    }

    /// <summary>A greenlet whose shape is to be learned.</summary>
    /// <param name="greenlet">The greenlet.</param>
    /// <param name="hash">Of its shape.</param>
    /// <param name="park">What is set aside of it.</param>
    public readonly struct Wanted(ng_greenlet* greenlet, ulong hash, FrozenPark* park)
    {
        public readonly FrozenPark* Park = park;
        public readonly ng_greenlet* Greenlet = greenlet;
        public readonly ulong Hash = hash;
    }

    private struct Lesson(ng_lesson* native, int index)
    {
        public readonly ng_lesson* Native = native;
        public readonly int Index = index; // among those that are wanted
        public object[]? Objects; // that the collector is shown
        public ng_status Status = ng_status.RETRY;
    }

    private static void Settle(Exception? failure)
    {
        switch (failure)
        {
            case null:
                s_budget = default; // the check's lessons do not count
                s_state = 2;
                FreezeTick.TellCarriers(); // that have waited for it
                break;
            case GreenletException or OutOfMemoryException:
                s_state = 0; // no stack, no record, no thread, no memory at the moment: that says nothing of the runtime
                break;
            default:
                FreezeSetting.TurnOff(failure is UnsupportedRuntimeException ? failure.Message : $"the check of freezing failed: {failure.Message}");
                s_state = 3;
                break;
        }
    }
}
