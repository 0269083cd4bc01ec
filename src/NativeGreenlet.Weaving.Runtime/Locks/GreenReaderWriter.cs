using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Locks;

/// <summary>
/// Who is in a <see cref="ReaderWriterLockSlim"/> of woven code: tasks, and threads outside of hubs. The real lock counts threads, of which the
/// tasks of a hub have one, so it cannot say who of them reads; nobody holds it.
/// </summary>
/// <remarks>As in the original, who wants to write comes before those that want to read after it, and one that wants to write in place of an
/// upgradeable read comes first of all.</remarks>
internal sealed class GreenReaderWriter
{
    private static readonly ConditionalWeakTable<ReaderWriterLockSlim, GreenReaderWriter> s_all = [];

    private readonly Lock _gate = new(); // never held across a wait
    private readonly Dictionary<object, int> _readers = new(ReferenceEqualityComparer.Instance);
    private readonly LinkedList<ReaderWriterTurn> _waiting = [];
    private readonly LockRecursionPolicy _policy;
    private object? _writer;
    private int _writes;
    private object? _upgrader;
    private int _upgrades;

    private GreenReaderWriter(LockRecursionPolicy policy)
    {
        _policy = policy;
    }

    /// <summary>How many read.</summary>
    public int ReaderCount
    {
        get
        {
            lock (_gate)
            {
                return _readers.Count;
            }
        }
    }

    private static object Here => (object?)Hub.CurrentTaskOrNull ?? Thread.CurrentThread;

    private bool IsWriterWaiting => _waiting.Any(turn => turn.Mode == ReaderWriterMode.Write);

    /// <summary>That of a lock.</summary>
    public static GreenReaderWriter Of(ReaderWriterLockSlim target) => s_all.GetValue(target, static target => new GreenReaderWriter(target.RecursionPolicy));

    /// <summary>How many wait, without those that can already read and want to write.</summary>
    public int WaitingCount(ReaderWriterMode mode)
    {
        lock (_gate)
        {
            return _waiting.Count(turn => turn.Mode == mode && turn.Owner != _upgrader);
        }
    }

    /// <summary>How often the caller has entered it.</summary>
    public int DepthOf(ReaderWriterMode mode)
    {
        object owner = Here;
        lock (_gate)
        {
            return Depth(mode, owner);
        }
    }

    /// <summary>Enters it for the caller if that is possible in time.</summary>
    /// <exception cref="LockRecursionException">The caller holds it in a way that does not allow that.</exception>
    public bool TryEnter(ReaderWriterMode mode, TimeSpan timeout)
    {
        object owner = Here;
        ReaderWriterTurn turn;
        lock (_gate)
        {
            if (!IsAllowed(mode, owner))
            {
                Refuse(owner, target => Enter(target, mode));
            }

            if (CanEnter(mode, owner) && (mode == ReaderWriterMode.Write || IsHolder(owner) || !IsWriterWaiting))
            {
                Take(mode, owner);
                return true;
            }

            if (timeout == TimeSpan.Zero)
            {
                return false;
            }

            turn = new ReaderWriterTurn(mode, owner);
            _waiting.AddLast(turn);
        }

        try
        {
            turn.Wait(timeout);
        }
        catch
        {
            if (Leave(turn))
            {
                Exit(mode);
            }

            throw;
        }

        return Leave(turn);
    }

    /// <summary>Exits it once.</summary>
    /// <exception cref="SynchronizationLockException">The caller has not entered it so.</exception>
    public void Exit(ReaderWriterMode mode)
    {
        object owner = Here;
        lock (_gate)
        {
            if (Depth(mode, owner) == 0)
            {
                Refuse(owner, target => Exit(target, mode));
            }

            Give(mode, owner);
            GrantNext();
        }
    }

    private static void Enter(ReaderWriterLockSlim target, ReaderWriterMode mode)
    {
        switch (mode)
        {
            case ReaderWriterMode.Read:
                target.EnterReadLock();
                break;
            case ReaderWriterMode.Upgradeable:
                target.EnterUpgradeableReadLock();
                break;
            default:
                target.EnterWriteLock();
                break;
        }
    }

    private static void Exit(ReaderWriterLockSlim target, ReaderWriterMode mode)
    {
        switch (mode)
        {
            case ReaderWriterMode.Read:
                target.ExitReadLock();
                break;
            case ReaderWriterMode.Upgradeable:
                target.ExitUpgradeableReadLock();
                break;
            default:
                target.ExitWriteLock();
                break;
        }
    }

    private int Depth(ReaderWriterMode mode, object owner) => mode switch
    {
        ReaderWriterMode.Read => _readers.GetValueOrDefault(owner),
        ReaderWriterMode.Upgradeable => _upgrader == owner ? _upgrades : 0,
        _ => _writer == owner ? _writes : 0,
    };

    private bool IsHolder(object owner) => _writer == owner || _upgrader == owner || _readers.ContainsKey(owner);

    // By what the owner holds itself. The rules are the original's.
    private bool IsAllowed(ReaderWriterMode mode, object owner)
    {
        bool reads = _readers.ContainsKey(owner);
        bool upgrades = _upgrader == owner;
        bool writes = _writer == owner;
        bool isRecursive = _policy == LockRecursionPolicy.SupportsRecursion;
        return mode switch
        {
            ReaderWriterMode.Read => isRecursive || (!reads && !writes),
            ReaderWriterMode.Upgradeable => isRecursive ? !reads || upgrades || writes : !reads && !upgrades && !writes,
            _ => isRecursive ? !reads || upgrades || writes : !reads && !writes,
        };
    }

    // By what others hold.
    private bool CanEnter(ReaderWriterMode mode, object owner)
    {
        if (_writer is not null && _writer != owner)
        {
            return false;
        }

        return mode switch
        {
            ReaderWriterMode.Read => true,
            ReaderWriterMode.Upgradeable => _upgrader is null || _upgrader == owner,
            _ => (_upgrader is null || _upgrader == owner) && (_writer == owner || _readers.Count == 0 || (_readers.Count == 1 && _readers.ContainsKey(owner))),
        };
    }

    private void Take(ReaderWriterMode mode, object owner)
    {
        switch (mode)
        {
            case ReaderWriterMode.Read:
                _readers[owner] = _readers.GetValueOrDefault(owner) + 1;
                break;
            case ReaderWriterMode.Upgradeable:
                _upgrader = owner;
                _upgrades++;
                break;
            default:
                _writer = owner;
                _writes++;
                break;
        }
    }

    private void Give(ReaderWriterMode mode, object owner)
    {
        switch (mode)
        {
            case ReaderWriterMode.Read when --_readers[owner] == 0:
                _readers.Remove(owner);
                break;
            case ReaderWriterMode.Upgradeable when --_upgrades == 0:
                _upgrader = null;
                break;
            case ReaderWriterMode.Write when --_writes == 0:
                _writer = null;
                break;
        }
    }

    private void GrantNext()
    {
        if (_waiting.FirstOrDefault(turn => turn.Owner == _upgrader) is { } upgrading)
        {
            if (CanEnter(upgrading.Mode, upgrading.Owner))
            {
                Grant(upgrading);
            }

            return; // it comes before all others
        }

        for (LinkedListNode<ReaderWriterTurn>? node = _waiting.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (CanEnter(node.Value.Mode, node.Value.Owner))
            {
                Grant(node.Value);
            }
            else if (node.Value.Mode == ReaderWriterMode.Write)
            {
                return;
            }
        }
    }

    private void Grant(ReaderWriterTurn turn)
    {
        _waiting.Remove(turn);
        Take(turn.Mode, turn.Owner);
        turn.Grant();
    }

    // Whether it has had its turn.
    private bool Leave(ReaderWriterTurn turn)
    {
        lock (_gate)
        {
            if (!turn.IsGranted)
            {
                _waiting.Remove(turn);
                GrantNext(); // who waited behind one that wanted to write need not
            }

            return turn.IsGranted;
        }
    }

    // The original says why, about a lock that the caller has entered as often.
    private void Refuse(object owner, Action<ReaderWriterLockSlim> call)
    {
        ReaderWriterLockSlim same = new(_policy); // not disposed of, which is refused while it is held
        foreach (ReaderWriterMode mode in (ReaderWriterMode[])[ReaderWriterMode.Upgradeable, ReaderWriterMode.Write, ReaderWriterMode.Read])
        {
            for (int i = Depth(mode, owner); i > 0; i--)
            {
                Enter(same, mode);
            }
        }

        call(same);
        throw new UnreachableException();
    }
}
