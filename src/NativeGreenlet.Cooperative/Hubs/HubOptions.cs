using System.Diagnostics;
using System.Reflection;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>Says how a hub behaves. Each hub takes a copy when it is made: later changes have no effect on it.</summary>
/// <example><code>
/// HubOptions options = new() { DeadlockPatience = TimeSpan.FromSeconds(10), KeepsSpawnStacks = true };
/// Hub.Run(() => Hub.Sleep(TimeSpan.FromSeconds(1)), options);
/// </code></example>
public sealed class HubOptions
{
    private static readonly bool s_isDebugBuild = Assembly.GetEntryAssembly()?.GetCustomAttribute<DebuggableAttribute>()?.IsJITOptimizerDisabled == true;

    /// <summary>Gets or sets a name for diagnostics, of the hub and of the thread that is started for it; null for one that the hub
    /// makes up.</summary>
    public string? Name { get; set; }

    /// <summary>Gets or sets where the hub has its time from: waits with a time, <see cref="GreenTimeout"/> and the two times
    /// below count by it. The system's time unless it is set.</summary>
    /// <remarks>A test sets one that it moves forward itself. The hub then sleeps until that is moved, or something else wakes
    /// it. What .NET waits for, such as <see cref="Task.Delay(TimeSpan)"/>, has a time of its own.</remarks>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public TimeProvider TimeProvider
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = TimeProvider.System;

    /// <summary>Gets or sets how long every task of a run must have waited before the hub calls that a deadlock
    /// (<see cref="GreenDeadlockException"/>) if it certainly is one, or tells that it suspects one
    /// (<see cref="Hub.DeadlockSuspected"/>). Two seconds unless it is set; with <see cref="Timeout.InfiniteTimeSpan"/> the hub
    /// never looks.</summary>
    /// <remarks>It is certain if the tasks wait for each other's ends and locks; or if they wait for events, queues and the
    /// like and nothing but this hub can run code in the process: no other thread, timer, work of the thread pool, signal that
    /// is listened to, or child process. The latter can be told on Linux only. Nothing is thrown or told while a signal
    /// (<see cref="Hub.OnSignal(System.Runtime.InteropServices.PosixSignal, Action)"/>), the token of the run, a
    /// <see cref="GreenTimeout"/>, or another thread or run that has used the object may still wake a task.
    /// <see cref="Hub.Sleep(TimeSpan)"/> and waits for .NET tasks are part of no deadlock.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a negative time.</exception>
    public TimeSpan DeadlockPatience
    {
        get;
        set
        {
            HubClock.Check(value, nameof(value));
            field = value;
        }
    } = TimeSpan.FromSeconds(2);

    /// <summary>Gets or sets how long the cleanup of killed tasks may take when the main task has ended, before they are killed
    /// again; after the third time they are given up: who waits for such a task gets an <see cref="InvalidOperationException"/>.
    /// Five seconds unless it is set. Operations that were cancelled, and the bodies of asynchronous tasks that were killed, are
    /// waited for as long.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a negative time.</exception>
    public TimeSpan ShutdownGrace
    {
        get;
        set
        {
            HubClock.Check(value, nameof(value));
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>Gets or sets whether tasks keep where they were spawned, for <see cref="Hub.Dump"/> and
    /// <see cref="GreenTask.SpawnStack"/>. Off unless it is set: a stack trace costs far more than the task.</summary>
    public bool KeepsSpawnStacks { get; set; }

    /// <summary>Gets or sets what the hub does when code in a task blocks its thread by a wait of .NET. <see cref="BlockingWaits.Report"/>
    /// unless it is set if the program is a debug build, <see cref="BlockingWaits.Block"/> otherwise.</summary>
    /// <remarks>What .NET waits for in native code, such as <see cref="Thread.Sleep(int)"/> or a synchronous receive of a socket that blocks in
    /// the system, no hub is told.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">It is set to none of the values.</exception>
    public BlockingWaits BlockingWaits
    {
        get;
        set
        {
            if (!Enum.IsDefined(value))
            {
                throw new ArgumentOutOfRangeException(nameof(value), value, "Use Block, Report or Park.");
            }

            field = value;
        }
    } = s_isDebugBuild ? BlockingWaits.Report : BlockingWaits.Block;

    /// <summary>Gets or sets whether a wait that would be parked (<see cref="BlockingWaits.Park"/>) throws an
    /// <see cref="InvalidOperationException"/> instead if a method on the stack has entered a <c>lock</c>: other tasks of the hub would
    /// enter it meanwhile. Off unless it is set: each such wait then takes a look at its stack, tens of microseconds.</summary>
    public bool RefusesWaitsInLocks { get; set; }

    /// <summary>Gets or sets whose threads <see cref="Hub.Offload(Action)"/> uses; <see cref="OffloadPool.Shared"/> unless it is
    /// set.</summary>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public OffloadPool OffloadPool
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = OffloadPool.Shared;

    /// <summary>What a hub has that was given none; tests set it.</summary>
    internal static HubOptions Default { get; set; } = new();

    /// <summary>A copy, which nobody else changes.</summary>
    internal HubOptions Copy() => (HubOptions)MemberwiseClone();
}
