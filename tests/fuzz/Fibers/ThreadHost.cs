using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace NativeGreenlet.Fuzz.Fibers;

/// <summary>
/// Fibers that are plain threads, of which one at a time runs and hands a baton to the next. Nothing here or below uses the
/// library: what goes wrong on these is not its fault.
/// </summary>
internal sealed class ThreadHost : FiberHost
{
    private const string NothingToDispose = "A semaphore whose wait handle was never asked for has nothing to dispose of.";
    private const int StackSize = 1 << 20; // that of a greenlet

    private static readonly ConcurrentStack<Worker> s_idle = new();

    public override Fiber NewMain() => new ThreadFiber(this, 0, null, null);

    public override Fiber New(int id, Func<object?, object?> body) => new ThreadFiber(this, id, Current, body);

    public override bool IsExit(Exception exception) => exception is Exit;

    public override bool IsRefusal(Exception exception) => exception is Refusal;

    private sealed class Exit : Exception;

    [SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = NothingToDispose)]
    private sealed class ThreadFiber(ThreadHost host, int id, Fiber? parent, Func<object?, object?>? body) : Fiber(id, parent)
    {
        private readonly SemaphoreSlim _baton = new(0);
        private object? _value;
        private Exception? _error;
        private bool _isStarted = body is null;
        private bool _isDead;
        private int _threadId = body is null ? Environment.CurrentManagedThreadId : 0;

        public override bool IsUnstarted => !_isStarted && !_isDead;

        public override bool IsDead => _isDead;

        public override object? Switch(object value) => Leave(this, value, null);

        public override object? Throw(Exception exception)
        {
            if (!IsUnstarted)
            {
                return Leave(this, null, exception);
            }

            _isDead = true; // a caller with pins throws only into those that have started
            return Leave((ThreadFiber)Receiver!, null, exception);
        }

        public override void Dispose()
        {
            if (IsUnstarted)
            {
                _isDead = true;
            }
            else
            {
                _ = Leave(this, null, new Exit());
            }
        }

        public override void VerifyCurrent()
        {
            Check.That(host.Current == this);
            Check.That(_threadId == Environment.CurrentManagedThreadId);
        }

        private object? Leave(ThreadFiber target, object? value, Exception? error)
        {
            ThreadFiber caller = (ThreadFiber)host.Current;
            if (caller.Pins > 0)
            {
                throw new Refusal();
            }

            host.Switches++;
            if (target == caller)
            {
                return Take(value, error); // what was thrown into an unstarted child
            }

            target.Continue(value, error);
            caller._baton.Wait();
            return Take(caller._value, caller._error);
        }

        private static object? Take(object? value, Exception? error)
        {
            if (error is not null)
            {
                ExceptionDispatchInfo.Throw(error);
            }

            return value;
        }

        private void Continue(object? value, Exception? error)
        {
            (_value, _error) = (value, error);
            host.Current = this;
            if (_isStarted)
            {
                _ = _baton.Release();
                return;
            }

            _isStarted = true;
            if (!s_idle.TryPop(out Worker? worker))
            {
                worker = new Worker();
            }

            worker.Run(Live);
        }

        private void Live()
        {
            _threadId = Environment.CurrentManagedThreadId;
            object? result = null;
            Exception? error = null;
            try
            {
                result = body!(_value);
            }
            catch (Exit exit)
            {
                result = exit;
            }
            catch (Exception exception)
            {
                error = exception;
            }

            _isDead = true;
            ((ThreadFiber)Receiver!).Continue(result, error);
        }
    }

    /// <summary>A thread that runs one body after the other.</summary>
    [SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = NothingToDispose)]
    private sealed class Worker
    {
        private readonly SemaphoreSlim _wake = new(0);
        private Action? _body;

        public Worker()
        {
            new Thread(Work, StackSize) { IsBackground = true, Name = "control" }.Start();
        }

        public void Run(Action body)
        {
            _body = body;
            _ = _wake.Release();
        }

        private void Work()
        {
            while (true)
            {
                _wake.Wait();
                _body!();
                _body = null;
                s_idle.Push(this);
            }
        }
    }
}
