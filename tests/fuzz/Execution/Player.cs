using System.Runtime.CompilerServices;
using NativeGreenlet.Fuzz.Fibers;
using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Runs one trace, on greenlets or on plain threads. What it does, and logs, depends on the trace only.</summary>
internal sealed class Player(Trace trace, FiberHost host, Injection injection)
{
    private const int MostSteps = 1500;
    private const int MostFibers = 40;
    private const int MostGarbage = 3000;
    private const int LargeObject = 100_000;
    private const int StackFrame = 1024;
    private const int MostContinuing = 2;
    private const int MostStackFrames = 4096; // more than a greenlet's stack has, fewer than that of a thread
    private const int StampMask = 0x3FFFFFFF; // leaves room to add

    private readonly List<Fiber> _fibers = [];
    private readonly List<AsyncCall> _waiting = [];
    private int _steps;
    private int _stamps;

    public EventLog Log { get; } = new();

    public Fiber Self => host.Current;

    /// <summary>Exceptions thrown or passed on purpose.</summary>
    public int Exceptions { get; private set; }

    public int Switches => host.Switches;

    public int Fibers => _fibers.Count;

    /// <summary>For each kind how often it was carried out: those for which there was nobody to do it to do not count.</summary>
    public int[] Played { get; } = new int[Enum.GetValues<OperationKind>().Length];

    /// <summary>Something that a frame holds, for <see cref="Injection"/> to spoil.</summary>
    public Cell? Witness { get; set; }

    /// <summary>Runs the whole trace on the calling thread.</summary>
    public void Run()
    {
        Fiber main = host.NewMain();
        host.Current = main;
        _fibers.Add(main);
        try
        {
            PlayAll(trace.Main);
        }
        catch (TraceException exception)
        {
            Escaped(exception);
        }

        // Each of these lets somebody go on, and nobody has more than so many steps to go.
        while (_fibers.Find(fiber => fiber != main && !fiber.IsDead) is var fiber && (fiber is not null || _waiting.Count > 0))
        {
            try
            {
                Log.Add(main.Id, Mark.Drained, 0, fiber?.Id ?? 0);
                if (fiber is not null)
                {
                    Switch(fiber, 0);
                }
                else
                {
                    TakeWaiting(0).Continue();
                }
            }
            catch (TraceException exception)
            {
                Escaped(exception);
            }
        }
    }

    public void PlayAll(Operation[] operations)
    {
        foreach (Operation operation in operations)
        {
            Play(operation);
        }
    }

    public void Play(Operation operation)
    {
        if (_steps == MostSteps)
        {
            return;
        }

        _steps++;
        Self.VerifyCurrent();
        Note(Mark.Enter, operation, _steps);
        injection.Strike(this, operation);
        Dispatch(operation);
        Note(Mark.Leave, operation, 0);
    }

    /// <summary>Lets an asynchronous method wait until somebody continues it.</summary>
    public void Wait(AsyncCall call) => _waiting.Add(call);

    public void Note(Mark mark, Operation operation, int value) => Log.Add(Self.Id, mark, operation.Id, value);

    /// <summary>Notes an exception where it is caught.</summary>
    public void Caught(Step step, TraceException exception)
    {
        Exceptions++;
        exception.Verify();
        Self.VerifyCurrent();
        Note(Mark.Caught, step.Operation, exception.Stamp);
    }

    private static void Collect(int number)
    {
        switch (number % 8)
        {
            case < 4:
                CollectorPressure.Compact(0);
                break;
            case < 6:
                CollectorPressure.Compact(1);
                break;
            case 6:
                CollectorPressure.Compact(2);
                break;
            default:
                GC.Collect();
                GC.WaitForPendingFinalizers();
                break;
        }
    }

    private static void Allocate(int number)
    {
        for (int i = number % MostGarbage; i > 0; i--)
        {
            _ = new Cell(i);
        }

        if (number % 16 == 0)
        {
            byte[] large = new byte[LargeObject];
            large.AsSpan().Fill(0xDD);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int CountFrames(int frames)
    {
        Span<byte> room = stackalloc byte[StackFrame];
        room[frames % StackFrame] = 1;
        return frames == MostStackFrames || !RuntimeHelpers.TryEnsureSufficientExecutionStack()
            ? frames
            : CountFrames(frames + 1) + room[frames % StackFrame] - 1;
    }

    private void Dispatch(Operation operation)
    {
        Step step = new(this, operation, NextStamp(operation));
        if (operation.Kind < OperationKind.SwitchUp)
        {
            Count(operation);
        }

        switch (operation.Kind)
        {
            case OperationKind.Call:
                CallFrames.Call(step);
                break;
            case OperationKind.CallGenerated:
                GeneratedCalls.Play(step);
                break;
            case OperationKind.Recurse:
                CallFrames.Recurse(step);
                break;
            case OperationKind.Loop:
                CallFrames.Loop(step);
                break;
            case OperationKind.References:
                HoldFrames.References(step);
                break;
            case OperationKind.Numbers:
                HoldFrames.Numbers(step);
                break;
            case OperationKind.Vectors:
                HoldFrames.Vectors(step);
                break;
            case OperationKind.Stackalloc:
                HoldFrames.Stackalloc(step);
                break;
            case OperationKind.ByReference:
                HoldFrames.ByReference(step);
                break;
            case OperationKind.Pinned:
                HoldFrames.Pinned(step);
                break;
            case OperationKind.Reflection:
                RuntimeFrames.Reflection(step);
                break;
            case OperationKind.DynamicMethod:
                RuntimeFrames.DynamicMethod(step);
                break;
            case OperationKind.GenericVirtual:
                RuntimeFrames.GenericVirtual(step);
                break;
            case OperationKind.StaticConstructor:
                RuntimeFrames.StaticConstructor(step);
                break;
            case OperationKind.NativeCallback:
                RuntimeFrames.NativeCallback(step);
                break;
            case OperationKind.TypeLoad:
                ForeignFrames.TypeLoad(step);
                break;
            case OperationKind.Resolver:
                ForeignFrames.Resolver(step);
                break;
            case OperationKind.MonitorWait:
                ForeignFrames.MonitorWait(step);
                break;
            case OperationKind.Async:
                AsyncCall.Play(step);
                break;
            case OperationKind.TailCall:
                ForeignFrames.TailCall(step);
                break;
            case OperationKind.CxxCatch:
                ForeignFrames.CxxCatch(step);
                break;
            case OperationKind.Catch:
                ExceptionFrames.Catch(step);
                break;
            case OperationKind.Finally:
                ExceptionFrames.Finally(step);
                break;
            case OperationKind.FinallyUnwinding:
                ExceptionFrames.FinallyUnwinding(step);
                break;
            case OperationKind.Filter:
                ExceptionFrames.Filter(step);
                break;
            case OperationKind.Rethrow:
                ExceptionFrames.Rethrow(step);
                break;
            case OperationKind.NullReference:
                Exceptions++;
                ExceptionFrames.NullReference(step);
                break;
            case OperationKind.Raise:
                Note(Mark.Thrown, operation, step.Stamp);
                TraceException.Throw(step.Stamp);
                break;
            case OperationKind.Allocate:
                Allocate(operation.Number);
                break;
            case OperationKind.Collect:
                Collect(operation.Number);
                break;
            case OperationKind.StackLimit:
                FindStackLimit();
                break;
            case OperationKind.SwitchUp:
                SwitchUp(operation);
                break;
            case OperationKind.SwitchToSibling:
                SwitchToSibling(operation);
                break;
            case OperationKind.ThrowInto:
                ThrowInto(step);
                break;
            case OperationKind.Spawn:
                Spawn(operation);
                break;
            case OperationKind.Dispose:
                Dispose(operation);
                break;
            case OperationKind.ResumeAsync:
                ResumeAsync(operation);
                break;
            default:
                throw new InvalidOperationException($"{operation.Kind} is not known");
        }
    }

    private AsyncCall TakeWaiting(int number)
    {
        AsyncCall result = _waiting[number % _waiting.Count];
        _ = _waiting.Remove(result);
        return result;
    }

    // The handler of a call may continue the next one, and so on. .NET hands what it continues on to the thread pool where the stack has no 128 KiB
    // left, and then it is on no fiber: so not too many of them.
    private void ResumeAsync(Operation operation)
    {
        Fiber self = Self;
        if (_waiting.Count > 0 && self.Continuing < MostContinuing)
        {
            Count(operation);
            self.Continuing++;
            try
            {
                TakeWaiting(operation.Number).Continue();
            }
            finally
            {
                self.Continuing--;
            }
        }
    }

    private void Count(Operation operation) => Played[(int)operation.Kind]++;

    private int NextStamp(Operation operation) =>
        (int)(SeedSequence.Mix(trace.Seed ^ ((ulong)operation.Id << 32) ^ (uint)++_stamps) & StampMask);

    // Both have a megabyte, but that of the thread itself may be larger.
    private void FindStackLimit()
    {
        Check.That(RuntimeHelpers.TryEnsureSufficientExecutionStack());
        int frames = CountFrames(0);
        Check.That(frames > 0 && (Self.Parent is null || frames < MostStackFrames));
        Check.That(RuntimeHelpers.TryEnsureSufficientExecutionStack());
    }

    private void SwitchUp(Operation operation)
    {
        if (Self.Receiver is { } receiver)
        {
            Count(operation);
            Switch(receiver, operation.Id);
        }
    }

    private void SwitchToSibling(Operation operation)
    {
        if (!Self.IsDying && Choose(operation.Number, fiber => true) is { } target)
        {
            Count(operation);
            Switch(target, operation.Id);
        }
    }

    private void ThrowInto(Step step)
    {
        if (Self.IsDying || Choose(step.Operation.Number, MayReceive) is not { } target)
        {
            return;
        }

        Count(step.Operation);
        Exceptions++;
        Note(Mark.Thrown, step.Operation, target.Id);
        Fiber self = Self;
        TraceException exception = new(step.Stamp);
        if (self.Pins > 0)
        {
            IsRefused(self, () => target.Throw(exception), step.Operation.Id);
            return;
        }

        Resumed(self, target.Throw(exception), step.Operation.Id);

        // What is thrown into one that has not started goes to its parent.
        bool MayReceive(Fiber fiber) => fiber.Filters == 0 && (!fiber.IsUnstarted || (Self.Pins == 0 && fiber.Receiver!.Filters == 0));
    }

    private void Spawn(Operation operation)
    {
        if (Self.IsDying || _fibers.Count == MostFibers)
        {
            return;
        }

        Count(operation);
        Operation[] body = trace.Bodies[operation.Number % trace.Bodies.Count];
        Fiber? child = null;
        child = host.New(_fibers.Count, value => Live(child!, body, value));
        _fibers.Add(child);
        if (operation.Number / 64 % 4 != 0)
        {
            Switch(child, operation.Id);
        }
    }

    private void Dispose(Operation operation)
    {
        Fiber self = Self;
        if (self.IsDying || self.Pins > 0 || Choose(operation.Number, fiber => fiber.Filters == 0 && fiber.Parent is not null && !fiber.IsDying) is not { } target)
        {
            return;
        }

        Count(operation);
        Note(Mark.Thrown, operation, target.Id);
        target.IsDying = true;
        while (!target.IsDead)
        {
            // Its finally blocks may switch up, to here, and then want to be disposed of again.
            target.Killer = self;
            target.Dispose();
            target.Killer = null;
            self.VerifyCurrent();
            Note(Mark.Resumed, operation, target.IsDead ? 1 : 0);
        }
    }

    private Fiber? Choose(int number, Predicate<Fiber> isFit)
    {
        for (int i = 0; i < _fibers.Count; i++)
        {
            Fiber fiber = _fibers[(number + i) % _fibers.Count];
            if (fiber != Self && !fiber.IsDead && fiber.Killer is null && isFit(fiber))
            {
                return fiber;
            }
        }

        return null;
    }

    private void Switch(Fiber target, int operation)
    {
        Fiber self = Self;
        Letter letter = new(++_stamps);
        if (self.Pins > 0)
        {
            IsRefused(self, () => target.Switch(letter), operation);
            return;
        }

        Resumed(self, target.Switch(letter), operation);
    }

    // Out of frames that must not be left: nothing has happened but an exception.
    private void IsRefused(Fiber self, Func<object?> leave, int operation)
    {
        try
        {
            _ = leave();
            Check.Fail($"fiber {self.Id} was left where that should have been refused");
        }
        catch (Exception exception) when (host.IsRefusal(exception))
        {
            self.VerifyCurrent();
            Log.Add(self.Id, Mark.Refused, operation, 0);
        }
    }

    // A body that was killed hands the exception over that ended it.
    private void Resumed(Fiber self, object? received, int operation)
    {
        self.VerifyCurrent();
        switch (received)
        {
            case Letter letter:
                letter.Verify();
                Log.Add(self.Id, Mark.Resumed, operation, letter.Stamp);
                break;
            case Exception exception when host.IsExit(exception):
                Log.Add(self.Id, Mark.Resumed, operation, -1);
                break;
            default:
                Check.Fail($"a switch returned {received ?? "null"}");
                break;
        }
    }

    private Letter Live(Fiber self, Operation[] body, object? value)
    {
        int end = 0;
        try
        {
            self.VerifyCurrent();
            ((Letter)value!).Verify();
            Log.Add(self.Id, Mark.Begun, 0, ((Letter)value).Stamp);
            PlayAll(body);
        }
        catch (TraceException exception)
        {
            exception.Verify();
            end = exception.Stamp;
            Log.Add(self.Id, Mark.Ended, 0, end);
            if (self.Receiver!.Filters == 0)
            {
                host.Current = self.Receiver;
                throw;
            }

            Log.Add(self.Id, Mark.Swallowed, 0, end);
        }
        catch (Exception exception) when (host.IsExit(exception))
        {
            Log.Add(self.Id, Mark.Ended, 0, -1);
            host.Current = self.Receiver!;
            throw;
        }
        catch (Exception exception)
        {
            Check.Fail($"an exception escaped from fiber {self.Id}", exception);
        }

        self.VerifyCurrent();
        Log.Add(self.Id, Mark.Ended, 0, end);
        host.Current = self.Receiver!;
        return new Letter(++_stamps);
    }

    private void Escaped(TraceException exception)
    {
        Exceptions++;
        exception.Verify();
        Log.Add(Self.Id, Mark.Caught, 0, exception.Stamp);
        Self.VerifyCurrent();
    }
}
