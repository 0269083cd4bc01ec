namespace NativeGreenlet.Fuzz.Traces;

/// <summary>Makes a trace of a seed.</summary>
/// <remarks>Each trace has weights of its own, with some kinds left out: uniform choices would rarely go far in any one
/// direction.</remarks>
internal sealed class TraceGenerator
{
    private const int MostBodies = 5;
    private const int MostSpawned = 20; // in the beginning
    private const int MostDepth = 7;
    private const int LeastOperations = 10;
    private const int MostOperations = 120;

    private static readonly OperationKind[] s_kinds = Enum.GetValues<OperationKind>();

    private readonly SeedSequence _random;
    private readonly bool _throwsInFilters;
    private readonly List<OperationKind> _urn = [];
    private int _left;
    private int _ids;

    private TraceGenerator(ulong seed, bool throwsInFilters)
    {
        _random = new SeedSequence(seed);
        _throwsInFilters = throwsInFilters;
    }

    /// <summary>Makes a trace.</summary>
    /// <param name="seed">What it follows from.</param>
    /// <param name="throwsInFilters">Whether exceptions may be thrown inside exception filters, which plain .NET does not
    /// survive.</param>
    public static Trace Generate(ulong seed, bool throwsInFilters = false) => new TraceGenerator(seed, throwsInFilters).Generate(seed);

    private Trace Generate(ulong seed)
    {
        FillUrn();
        int operations = LeastOperations + _random.Next(MostOperations - LeastOperations);
        Operation[][] bodies = new Operation[1 + _random.Next(MostBodies)][];
        for (int i = 0; i < bodies.Length; i++)
        {
            _left = operations / bodies.Length;
            bodies[i] = Sequence(0, isInFilter: false, least: 2);
        }

        bool isCrowded = _random.Once(4);

        // The thread itself first sees to it that there is somebody to switch to.
        _left = operations / 2;
        List<Operation> main = [];
        for (int i = isCrowded ? MostSpawned : _random.Next(4); i >= 0; i--)
        {
            main.Add(new Operation(_ids++, OperationKind.Spawn, _random.Next(1 << 16)));
        }

        main.AddRange(Sequence(0, isInFilter: false, least: 2));
        return new Trace(seed, [.. main], bodies);
    }

    private void FillUrn()
    {
        bool isAboutExceptions = _random.Once(3);
        foreach (OperationKind kind in s_kinds)
        {
            int weight = kind switch
            {
                OperationKind.SwitchUp => 8 + _random.Next(8),
                OperationKind.SwitchToSibling => 4 + _random.Next(12),
                OperationKind.Spawn => 1 + _random.Next(4),
                OperationKind.StackLimit or OperationKind.DynamicMethod => _random.Once(4) ? 1 : 0,
                OperationKind.TypeLoad or OperationKind.Resolver => _random.Once(4) ? 2 : 0,
                OperationKind.MonitorWait => _random.Once(3) ? 3 : 0,
                OperationKind.ResumeAsync => 2 + _random.Next(8),
                OperationKind.Allocate or OperationKind.Collect => _random.Next(4),
                OperationKind.Raise => _random.Next(3),
                OperationKind.Dispose or OperationKind.ThrowInto => _random.Next(4),
                OperationKind.Filter or OperationKind.Catch or OperationKind.Rethrow or OperationKind.FinallyUnwinding when isAboutExceptions => 12,
                _ => _random.Next(5) switch { 0 => 0, 4 => 12, _ => 4 },
            };
            for (int i = 0; i < weight; i++)
            {
                _urn.Add(kind);
            }
        }
    }

    private Operation[] Sequence(int depth, bool isInFilter, int least)
    {
        List<Operation> operations = [];
        int length = least + _random.Next(depth == 0 ? 8 : 3);
        for (int i = 0; i < length && (_left > 0 || i < least); i++)
        {
            operations.Add(Next(depth, isInFilter));
        }

        return [.. operations];
    }

    private Operation Next(int depth, bool isInFilter)
    {
        int id = _ids++;
        _left--;
        OperationKind kind = Pick(depth, isInFilter);
        int number = _random.Next(1 << 16);
        int parts = Parts(kind);
        if (parts == 0)
        {
            return new Operation(id, kind, number);
        }

        Operation[][] contents = new Operation[parts][];
        for (int i = 0; i < parts; i++)
        {
            bool isFilter = kind == OperationKind.Filter && i == 2;
            contents[i] = Sequence(depth + 1, isInFilter || isFilter, least: i == 0 ? 1 : 0);
            if (i > 0 && !_random.Once(3))
            {
                // Handlers and filters are worth being left in the middle.
                contents[i] = [new Operation(_ids++, _random.Once(2) ? OperationKind.SwitchUp : OperationKind.SwitchToSibling, _random.Next(1 << 16)), .. contents[i]];
            }
        }

        return new Operation(id, kind, number, contents);
    }

    private OperationKind Pick(int depth, bool isInFilter)
    {
        while (true)
        {
            OperationKind kind = _urn[_random.Next(_urn.Count)];
            bool isTooDeep = Parts(kind) > 0 && (depth >= MostDepth || _left <= 0);
            bool isForbidden = isInFilter && !_throwsInFilters && Throws(kind);
            if (!isTooDeep && !isForbidden)
            {
                return kind;
            }
        }
    }

    private static bool Throws(OperationKind kind) => kind is OperationKind.Catch or OperationKind.FinallyUnwinding or OperationKind.Filter
        or OperationKind.Rethrow or OperationKind.NullReference or OperationKind.Raise
        // These throw where a switch is refused, or play whatever comes next elsewhere.
        or OperationKind.TypeLoad or OperationKind.Resolver or OperationKind.MonitorWait or OperationKind.Async or OperationKind.ResumeAsync;

    private static int Parts(OperationKind kind) => kind switch
    {
        OperationKind.Raise or OperationKind.Allocate or OperationKind.Collect or OperationKind.StackLimit or OperationKind.SwitchUp
            or OperationKind.SwitchToSibling or OperationKind.ThrowInto or OperationKind.Spawn or OperationKind.Dispose
            or OperationKind.ResumeAsync => 0,
        OperationKind.Catch or OperationKind.Finally or OperationKind.NullReference or OperationKind.Async => 2,
        OperationKind.FinallyUnwinding or OperationKind.Filter or OperationKind.Rethrow => 3,
        _ => 1,
    };
}
