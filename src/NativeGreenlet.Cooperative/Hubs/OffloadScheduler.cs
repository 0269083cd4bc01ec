using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.Interop;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>The threads and the queue of an <see cref="OffloadPool"/>. It is a scheduler so that what .NET does for a task, its
/// execution context, its exceptions, is done for this work, too.</summary>
internal sealed class OffloadScheduler : TaskScheduler
{
    /// <summary>How its tasks are made: what they start themselves goes to the thread pool, as ever.</summary>
    public const TaskCreationOptions Options = TaskCreationOptions.DenyChildAttach | TaskCreationOptions.HideScheduler;

    private const int PauseAfterFailure = 100; // milliseconds

    private static readonly ConditionalWeakTable<OffloadScheduler, object?> s_all = [];
    private static int s_threads;
    private static int s_queued;

    [ThreadStatic]
    private static Worker? t_worker;

    private readonly int _mostThreads;
    private readonly TimeSpan _idleTime;
    private readonly string _name;
    private readonly Lock _lock = new();
    private readonly Queue<Task> _queue = new();
    private readonly List<Worker> _idle = []; // the last one that became idle is taken first, so that the others can end
    private int _threads; // with the one that is being started
    private int _extra; // threads beyond the limit, for workers that wait for others
    private bool _isStarting;
    private bool _isHelped; // by the thread pool, because there is no thread
    private long _failedAt = -PauseAfterFailure; // when a thread was last refused, by Environment.TickCount64

    public OffloadScheduler(int mostThreads, TimeSpan idleTime, string name)
    {
        _mostThreads = mostThreads;
        _idleTime = idleTime;
        _name = name;
        s_all.Add(this, null);
    }

    /// <summary>The threads of all pools.</summary>
    public static int AllThreads => Volatile.Read(ref s_threads);

    /// <summary>What waits in the queues of all pools.</summary>
    public static int AllQueued => Volatile.Read(ref s_queued);

    /// <summary>For tests: is called instead of a thread's start.</summary>
    public Action<Thread>? Start { get; set; }

    public override int MaximumConcurrencyLevel => _mostThreads;

    public int ThreadCount
    {
        get
        {
            using (EnterLock())
            {
                return _threads;
            }
        }
    }

    public int QueueLength
    {
        get
        {
            using (EnterLock())
            {
                return _queue.Count;
            }
        }
    }

    // Which have begun only, so that whoever waits for one does not run it.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <summary>The threads of all pools, as the system numbers them, if none of them does anything; null otherwise.</summary>
    public static int[]? ThreadsIfAllAreIdle()
    {
        List<int> threads = [];
        foreach ((OffloadScheduler scheduler, _) in s_all)
        {
            using (scheduler.EnterLock())
            {
                if (scheduler._queue.Count != 0 || scheduler._threads != scheduler._idle.Count)
                {
                    return null;
                }

                threads.AddRange(scheduler._idle.Select(worker => worker.SystemThreadId));
            }
        }

        return [.. threads];
    }

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        if (!_lock.TryEnter())
        {
            throw new NotSupportedException(); // what debuggers are to be told
        }

        try
        {
            return [.. _queue];
        }
        finally
        {
            _lock.Exit();
        }
    }

    protected override void QueueTask(Task task)
    {
        bool mustStart;
        bool mustHelp;
        using (EnterLock())
        {
            if (t_worker is { IsNested: false } here && here.Owner == this)
            {
                here.IsNested = true; // it may wait for what it has begun here
                _extra++;
            }

            if (_idle.Count > 0)
            {
                Worker worker = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
                worker.Give(task);
                return;
            }

            _queue.Enqueue(task);
            Interlocked.Increment(ref s_queued);
            mustStart = MustStart();
            mustHelp = !mustStart && MustHelp();
            _isHelped |= mustHelp;
        }

        if (mustStart)
        {
            StartThread();
        }
        else if (mustHelp)
        {
            QueueHelper();
        }
    }

    // Who is told so starts one. One at a time, and each new one the next: a hub that offloads a thousand functions starts one thread.
    private bool MustStart()
    {
        if (_isStarting || _queue.Count == 0 || _threads >= _mostThreads + _extra || IsPausing)
        {
            return false;
        }

        _isStarting = true;
        _threads++;
        return true;
    }

    // A thread was refused just now, and none is asked for. Who helped then may have found the queue empty, and gone.
    private bool MustHelp() => IsPausing && !_isStarting && !_isHelped && _threads < _mostThreads + _extra;

    private bool IsPausing => Environment.TickCount64 < _failedAt + PauseAfterFailure;

    private void StartThread()
    {
        try
        {
            Thread thread = new(WorkOnThread) { IsBackground = true, Name = _name };
            if (Start is { } start)
            {
                start(thread);
            }
            else
            {
                thread.UnsafeStart();
            }
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            HelpOut();
            HubEventSource.Log.OffloadThreadRefused(_name, exception.Message);
        }
    }

    // There is no thread. Those that there are may be blocked for long, so one of the thread pool takes what is in the queue, too.
    private void HelpOut()
    {
        bool needsHelp;
        using (EnterLock())
        {
            _isStarting = false;
            _threads--;
            _failedAt = Environment.TickCount64;
            needsHelp = !_isHelped;
            _isHelped = true;
        }

        if (needsHelp)
        {
            QueueHelper();
        }
    }

    private void QueueHelper() => ThreadPool.UnsafeQueueUserWorkItem(static scheduler => scheduler.WorkOnPool(), this, preferLocal: false);

    private void WorkOnThread()
    {
        using Worker worker = new(this);
        bool mustStart;
        using (EnterLock())
        {
            _isStarting = false;
            Interlocked.Increment(ref s_threads);
            mustStart = _queue.Count > 1 && MustStart(); // one of them is its own
        }

        if (mustStart)
        {
            StartThread();
        }

        Work(worker, isThread: true);
    }

    private void WorkOnPool()
    {
        using Worker worker = new(this);
        Work(worker, isThread: false);
    }

    private void Work(Worker worker, bool isThread)
    {
        t_worker = worker;
        while (TryTake(worker, isThread, out Task? task))
        {
            TryExecuteTask(task);
            if (isThread)
            {
                worker.Clean();
            }
        }

        t_worker = null;
    }

    private bool TryTake(Worker worker, bool isThread, [NotNullWhen(true)] out Task? task)
    {
        bool mustStart = false;
        using (EnterLock())
        {
            if (worker.IsNested)
            {
                worker.IsNested = false;
                _extra--;
            }

            bool isOneTooMany = isThread && _threads > _mostThreads + _extra;
            if (!isOneTooMany && _queue.TryDequeue(out task))
            {
                Interlocked.Decrement(ref s_queued);
                mustStart = MustStart();
            }
            else if (!isThread)
            {
                _isHelped = false;
                task = null;
                return false;
            }
            else if (isOneTooMany || _idleTime == TimeSpan.Zero)
            {
                End();
                task = null;
                return false;
            }
            else
            {
                task = null;
                _idle.Add(worker);
            }
        }

        if (mustStart)
        {
            StartThread(); // one that was refused before
        }

        if (task is not null)
        {
            return true;
        }

        if (!worker.Wait(_idleTime))
        {
            using (EnterLock())
            {
                if (_idle.Remove(worker))
                {
                    End();
                    return false;
                }
            }
        }

        task = worker.Take();
        return true;
    }

    private void End()
    {
        _threads--;
        Interlocked.Decrement(ref s_threads);
    }

    // As long as it lasts, nobody is interrupted: what that was meant for is the caller's next wait.
    private Lock.Scope EnterLock()
    {
        bool isInterrupted = false;
        while (true)
        {
            try
            {
                Lock.Scope scope = _lock.EnterScope();
                if (isInterrupted)
                {
                    Thread.CurrentThread.Interrupt();
                }

                return scope;
            }
            catch (ThreadInterruptedException)
            {
                isInterrupted = true;
            }
        }
    }

    /// <summary>One of the threads.</summary>
    private sealed class Worker(OffloadScheduler owner) : IDisposable
    {
        private readonly AutoResetEvent _isGiven = new(false);
        private Task? _given;

        public OffloadScheduler Owner => owner;

        /// <summary>What Linux calls its thread.</summary>
        public int SystemThreadId { get; } = Linux.CurrentThreadId;

        /// <summary>Whether what it does has offloaded something itself. Under the lock of the owner.</summary>
        public bool IsNested { get; set; }

        public void Dispose() => _isGiven.Dispose();

        /// <summary>Gives it something to do. It was idle.</summary>
        public void Give(Task task)
        {
            _given = task;
            _isGiven.Set();
        }

        /// <summary>Waits until it was given something. False if the time is up; it may be given something all the same.</summary>
        public bool Wait(TimeSpan time)
        {
            while (true)
            {
                try
                {
                    return _isGiven.WaitOne(time);
                }
                catch (ThreadInterruptedException)
                {
                    // It was meant for what has ended.
                }
            }
        }

        /// <summary>What it was given.</summary>
        public Task Take()
        {
            Task task = _given!;
            _given = null;
            return task;
        }

        /// <summary>Takes back what the work may have left to its thread.</summary>
        public void Clean()
        {
            Wait(TimeSpan.Zero); // takes an interruption that came too late; it is not idle, so nobody gives it anything
            SynchronizationContext.SetSynchronizationContext(null);
            Thread thread = Thread.CurrentThread;
            if (thread.Priority != ThreadPriority.Normal)
            {
                thread.Priority = ThreadPriority.Normal;
            }

            if (!thread.IsBackground)
            {
                thread.IsBackground = true;
            }
        }
    }
}
