using System.Linq.Expressions;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside code that was generated a moment ago and is collected when its last frame is gone: dynamic
/// methods and compiled expressions.</summary>
internal sealed class GeneratedCodeActivity : Activity
{
    private static readonly MethodInfo s_pause = typeof(Actor).GetMethod(nameof(Actor.Pause))!;
    private static readonly MethodInfo s_descend = typeof(Actor).GetMethod(nameof(Actor.Descend))!;

    public override string Name => "generated";

    public override int Weight => 1;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Cell held = new(stamp);
        Holdings holdings = new(stamp, stackalloc int[4]);
        Cell result = actor.Once(2) ? CallDynamicMethod(actor, depth, held) : CallExpression(actor, depth, held);
        Check.That(result == held && held.Is(stamp));
        holdings.Verify();
    }

    // The delegate dies in these frames, while the code that it stands for is suspended.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Cell CallDynamicMethod(Actor actor, int depth, Cell held)
    {
        DynamicMethod method = new("Generated", typeof(Cell), [typeof(Actor), typeof(int), typeof(Cell)], typeof(GeneratedCodeActivity).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Callvirt, s_pause);
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ldarg_1);
        code.Emit(OpCodes.Call, s_descend);
        code.Emit(OpCodes.Ldarg_2);
        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<Func<Actor, int, Cell, Cell>>()(actor, depth, held);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Cell CallExpression(Actor actor, int depth, Cell held)
    {
        ParameterExpression who = Expression.Parameter(typeof(Actor));
        ParameterExpression what = Expression.Parameter(typeof(Cell));
        Expression body = Expression.TryFinally(
            Expression.Block(Expression.Call(who, s_descend, Expression.Constant(depth)), what),
            Expression.Call(who, s_pause));
        return Expression.Lambda<Func<Actor, Cell, Cell>>(body, who, what).Compile()(actor, held);
    }
}
