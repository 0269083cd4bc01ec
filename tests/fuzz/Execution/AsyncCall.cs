using System.Runtime.CompilerServices;
using NativeGreenlet.Common.StateMachines;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>A call of asynchronous methods: the body of the operation is played below them, before they wait; the handler when
/// they go on, on the stack of whichever fiber continues them. Since .NET 11 the runtime itself suspends them; before that
/// they are state machines, and do the same.</summary>
internal sealed class AsyncCall
{
    private const int MostFrames = 4;

    private readonly Step _step;
    private readonly Shield _shield;
    private readonly TaskCompletionSource _gate = new();
    private readonly int _frames;
    private readonly bool _throws;
    private bool _isWaiting;
    private Task<long> _task = null!;

    private AsyncCall(Step step)
    {
        _step = step;
        _shield = new Shield(step);
        _frames = step.Operation.Number % (MostFrames + 1);
        _throws = step.Operation.Number / 8 % 2 != 0;
    }

    public static void Play(Step step)
    {
        AsyncCall call = new(step);
        call._task = Environment.Version.Major >= 11 ? call.StartOfRuntime() : call.StartStateMachines();
        if (call._isWaiting)
        {
            Check.That(!call._task.IsCompleted);
            step.Player.Wait(call);
        }
        else
        {
            call.End();
        }
    }

    /// <summary>Goes on, on the stack of the caller.</summary>
    public void Continue()
    {
        _isWaiting = false;
        Check.That(RuntimeHelpers.TryEnsureSufficientExecutionStack());
        _gate.SetResult();
        End();
    }

    // What was raised inside goes on with the fiber that it was raised on.
    private void End()
    {
        Check.That(_task.IsCompletedSuccessfully);
        Check.That(_task.Result == (_throws ? -_step.Stamp : _step.Stamp + _frames));
        _shield.Raise();
    }

    // In a frame of its own: the assembly cannot be loaded before .NET 11.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Task<long> StartOfRuntime() => _throws
        ? RuntimeAsync.AsyncFrames.GuardedAsync(_frames, _step.Stamp, Begin, _gate.Task, Resume, NewError, IsOwn, Handle).AsTask()
        : RuntimeAsync.AsyncFrames.PlayAsync(_frames, _step.Stamp, Begin, _gate.Task, Resume, error: null);

    private Task<long> StartStateMachines() => _throws
        ? AsyncFrames.GuardedAsync(_frames, _step.Stamp, Begin, _gate.Task, Resume, NewError, IsOwn, Handle).AsTask()
        : AsyncFrames.PlayAsync(_frames, _step.Stamp, Begin, _gate.Task, Resume, error: null);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Begin()
    {
        Cell held = Sample.MakeCell(_step.Stamp);
        while (_shield.PlayNext())
        {
            Sample.Verify(held, _step.Stamp);
        }

        _isWaiting = !_shield.HasError;
        if (!_isWaiting)
        {
            _gate.SetResult(); // a handler waits for it, too
        }

        return _isWaiting;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Resume()
    {
        Cell held = Sample.MakeCell(_step.Stamp + 1);
        while (_shield.PlayNextOfHandler())
        {
            Sample.Verify(held, _step.Stamp + 1);
        }
    }

    private TraceException NewError() => new(_step.Stamp);

    private bool IsOwn(Exception exception)
    {
        ((TraceException)exception).Verify();
        return ((TraceException)exception).Stamp == _step.Stamp;
    }

    private void Handle() => _step.Player.Note(Mark.Cleanup, _step.Operation, _step.Stamp);
}
