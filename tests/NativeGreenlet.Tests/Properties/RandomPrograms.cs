using CsCheck;

namespace NativeGreenlet.Tests.Properties;

/// <summary>Makes random programs.</summary>
internal static class RandomPrograms
{
    private const int MostBodies = 6;

    private static readonly Gen<int> s_slot = Gen.Int[0, GreenletProgram.Slots - 1];

    private static readonly Gen<int> s_whom = Gen.Frequency(
        (12, s_slot),
        (4, Gen.Const(Whom.Parent)),
        (2, Gen.Const(Whom.Main)),
        (1, Gen.Const(Whom.Self)));

    private static readonly Gen<int> s_newParent = Gen.Frequency((1, Gen.Const(Whom.Nobody)), (1, s_whom));

    private static readonly Gen<int> s_mishap = Gen.Frequency((2, Gen.Const(0)), (1, Gen.Int[-3, -1]), (3, Gen.Int[1, 9]));

    private static readonly Gen<Operation> s_simple = Gen.Frequency(
        (5, Gen.Select(s_slot, s_newParent, Gen.Int[0, MostBodies - 1], (slot, parent, body) => new Operation(Act.Create, slot, parent, body, null))),
        (14, Gen.Select(s_whom, Gen.Int[0, 99], (target, value) => new Operation(Act.Switch, target, 0, value, null))),
        (4, Gen.Select(s_whom, s_mishap, (target, mishap) => new Operation(Act.Throw, target, 0, mishap, null))),
        (3, Gen.Select(s_whom, s_whom, (target, parent) => new Operation(Act.Reparent, target, parent, 0, null))),
        (2, Gen.Select(s_whom, target => new Operation(Act.Dispose, target, 0, 0, null))),
        (2, Gen.Select(s_slot, slot => new Operation(Act.Drop, slot, 0, 0, null))),
        (1, Gen.Const(new Operation(Act.Collect, 0, 0, 0, null))),
        (1, Gen.Select(s_mishap, mishap => new Operation(Act.Raise, 0, 0, mishap, null))));

    private static readonly Gen<Operation> s_operation = Gen.Frequency(
        (2, s_simple),
        (1, Gen.Select(s_simple, s_simple.Array[0, 3], (operation, handler) => operation with { Handler = handler })));

    private static readonly Gen<Body> s_body = Gen.Select(
        s_operation.Array[0, 8],
        Gen.Frequency((3, Gen.Const(Array.Empty<Operation>())), (1, s_operation.Array[1, 2])),
        Gen.Frequency((3, Gen.Const(false)), (1, Gen.Const(true))),
        Gen.Int[1, 9],
        (operations, cleanup, fails, ending) => new Body(operations, cleanup, fails, ending));

    // Most slots are filled to begin with, or the first operations would find nothing to do.
    private static readonly Gen<Operation[]> s_beginning = Gen.Select(
        Gen.Select(s_newParent, Gen.Int[0, MostBodies - 1]).Array[2, GreenletProgram.Slots],
        greenlets => greenlets.Select((greenlet, slot) => new Operation(Act.Create, slot, greenlet.Item1, greenlet.Item2, null)).ToArray());

    public static readonly Gen<GreenletProgram> All = Gen.Select(
        s_beginning,
        s_operation.Array[3, 30],
        s_body.Array[MostBodies],
        (beginning, main, bodies) => new GreenletProgram([.. beginning, .. main], bodies));
}
