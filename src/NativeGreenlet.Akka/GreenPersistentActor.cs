using System.Collections.Immutable;
using System.ComponentModel;
using System.Runtime.ExceptionServices;
using Akka.Actor;
using Akka.Persistence;
using NativeGreenlet.Akka.Execution;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka;

/// <summary>An actor whose events are in a journal of Akka.Persistence, in blocking style: <see cref="Persist"/> parks until the event is
/// written, and the code after it changes the state.</summary>
/// <remarks>
/// <para>Before the first message, and after a restart, the events that are there are given to the handlers of
/// <see cref="Recover{T}(Action{T})"/>. The mailbox is suspended meanwhile.</para>
/// <para>If a write fails, or the wait for it is given up, nobody knows whether the event is there. The instance then writes nothing more:
/// let the exception go to the supervisor, whose restart reads what there is.</para>
/// <para>There are no snapshots.</para>
/// </remarks>
/// <example><code>
/// sealed class Account : GreenPersistentActor
/// {
///     private int _balance;
///
///     public Account()
///     {
///         Recover&lt;int>(amount => _balance += amount);
///         ReceiveGreen&lt;int>(amount =>
///         {
///             Persist(amount); // no other message comes between
///             _balance += amount;
///             Sender.Tell(_balance);
///         });
///     }
///
///     public override string PersistenceId => Self.Path.Name;
/// }
/// </code></example>
public abstract class GreenPersistentActor : GreenReceiveActor
{
    private readonly List<Func<object, bool>> _recoveries = [];
    private readonly string _writer = Guid.NewGuid().ToString();
    private readonly GreenLock _writing = new();
    private IActorRef? _journal; // once all is read
    private bool _isUncertain; // whether the journal has what it was given

    /// <summary>Gets the name under which the journal has its events. No other actor may have it at the same time.</summary>
    public abstract string PersistenceId { get; }

    /// <summary>Gets the number of its last event; 0 if there is none.</summary>
    public long LastSequenceNr { get; private set; }

    /// <summary>Gets the journal's path in the configuration; empty, unless it is overridden, for <c>akka.persistence.journal.plugin</c>.</summary>
    protected virtual string JournalPluginId => string.Empty;

    /// <summary>Gets how long the journal may take from one event to the next when they are read; 30 seconds unless it is
    /// overridden.</summary>
    protected virtual TimeSpan RecoveryTimeout => TimeSpan.FromSeconds(30);

    /// <summary>Reads its events after the actor was started. Akka calls it.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public override void AroundPreStart()
    {
        base.AroundPreStart();
        StartLater<object?>(Read, null);
    }

    /// <summary>Reads its events after the actor was restarted. Akka calls it.</summary>
    /// <param name="cause">Why it was restarted.</param>
    /// <param name="message">The message that it had.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public override void AroundPostRestart(Exception cause, object message)
    {
        base.AroundPostRestart(cause, message);
        StartLater<object?>(Read, null);
    }

    /// <summary>Registers what is done with events that are read from the journal. In the constructor. The first that takes an event has
    /// it.</summary>
    /// <typeparam name="T">The type of the events.</typeparam>
    /// <param name="handler">Does to the state what the event says.</param>
    /// <exception cref="ArgumentNullException"><paramref name="handler"/> is null.</exception>
    protected void Recover<T>(Action<T> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _recoveries.Add(payload =>
        {
            if (payload is not T own)
            {
                return false;
            }

            handler(own);
            return true;
        });
    }

    /// <summary>Does what the actor does between the last event of the journal and the first message. It may wait, and persist.</summary>
    protected virtual void OnRecovered()
    {
    }

    /// <summary>Writes an event, and parks until it is written.</summary>
    /// <param name="event">The event.</param>
    /// <exception cref="ArgumentNullException"><paramref name="event"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The events of the journal are not read yet, or a write before was not certain.</exception>
    /// <exception cref="GreenPersistException">It was not written, or nobody knows whether it was.</exception>
    protected void Persist(object @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        PersistAll([@event]);
    }

    /// <summary>Writes several events, all or none, and parks until they are written.</summary>
    /// <param name="events">The events.</param>
    /// <exception cref="ArgumentNullException"><paramref name="events"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The events of the journal are not read yet, or a write before was not certain.</exception>
    /// <exception cref="GreenPersistException">They were not written, or nobody knows whether they were.</exception>
    protected void PersistAll(IEnumerable<object> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        using (_writing.EnterScope()) // tasks that the actor has spawned may write, too
        {
            IActorRef journal = _journal ?? throw new InvalidOperationException("The events of the journal are not read yet. Persist in handlers, or in OnRecovered.");
            if (_isUncertain)
            {
                throw new InvalidOperationException("A write of this actor failed, or was not waited for, and nobody knows whether the journal has it. Let it restart: then it reads what there is.");
            }

            ImmutableList<IPersistentRepresentation> all = [.. events.Select(Represent)];
            if (!all.IsEmpty)
            {
                Write(journal, all);
            }
        }
    }

    private Persistent Represent(object payload, int index) =>
        new(payload, LastSequenceNr + 1 + index, PersistenceId, writerGuid: _writer, sender: ActorRefs.NoSender, timestamp: 0);

    private void Write(IActorRef journal, ImmutableList<IPersistentRepresentation> all)
    {
        TimeSpan grace = ActorHubs.Of(Context.System).StopGrace;
        int left = all.Count;
        GreenPersistException? failure = null;
        Exception? interruption = null;
        _isUncertain = true;
        using (JournalRef answers = JournalRef.Register(journal))
        {
            journal.Tell(new WriteMessages([new AtomicWrite(all)], answers, actorInstanceId: 1), ActorRefs.NoSender);
            while (left > 0)
            {
                object? answer = null;
                try
                {
                    answer = answers.Take(interruption is null ? Timeout.InfiniteTimeSpan : grace);
                }
                catch (Exception exception) when (interruption is null)
                {
                    interruption = exception; // what is under way is not taken back: an instance after this one must find it, or not
                    continue;
                }

                switch (answer)
                {
                    case null:
                        left = 0; // it takes too long
                        break;

                    case WriteMessageSuccess:
                        left--;
                        break;

                    case WriteMessageRejected rejected:
                        left--;
                        failure ??= new GreenPersistException($"The journal has refused an event of {PersistenceId}: {rejected.Cause.Message}", rejected.Cause, isRejected: true);
                        break;

                    case WriteMessageFailure failed:
                        left--;
                        failure ??= new GreenPersistException($"The journal could not write an event of {PersistenceId}: {failed.Cause.Message}", failed.Cause, isRejected: false);
                        break;
                }
            }
        }

        if (interruption is not null)
        {
            ExceptionDispatchInfo.Throw(interruption);
        }

        _isUncertain = failure is { IsRejected: false };
        if (!_isUncertain)
        {
            LastSequenceNr += all.Count; // those of refused ones are not given again
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    private void Read(object? message)
    {
        IActorRef journal = Persistence.Instance.Apply(Context.System).JournalFor(JournalPluginId);
        using (JournalRef answers = JournalRef.Register(journal))
        {
            journal.Tell(new ReplayMessages(1, long.MaxValue, long.MaxValue, PersistenceId, answers), ActorRefs.NoSender);
            while (_journal is null)
            {
                switch (answers.Take(RecoveryTimeout))
                {
                    case null:
                        throw new GreenPersistException($"The journal has not answered within {RecoveryTimeout.TotalSeconds:F0} s: the events of {PersistenceId} could not be read.", null, isRejected: false);

                    case ReplayedMessage { Persistent: var persistent }:
                        LastSequenceNr = persistent.SequenceNr;
                        if (!_recoveries.Exists(recovery => recovery(persistent.Payload)))
                        {
                            Unhandled(persistent.Payload);
                        }

                        break;

                    case RecoverySuccess success:
                        LastSequenceNr = success.HighestSequenceNr;
                        _journal = journal;
                        break;

                    case ReplayMessagesFailure failed:
                        throw new GreenPersistException($"The events of {PersistenceId} could not be read: {failed.Cause.Message}", failed.Cause, isRejected: false);
                }
            }
        }

        OnRecovered();
    }
}
