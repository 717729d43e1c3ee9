"""What a query costs before it runs: an object is a point, a connection two and its whole page.

https://shopify.engineering/rate-limiting-graphql-apis-calculating-query-complexity
What Shopify really counts is its own, and has become cheaper since; ours is on the safe side.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

MUTATION = 10


def cost_of(schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]) -> int:
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    count = _Count(schema, fragments, variables)
    return sum(
        count.of(schema.get_root_type(each.operation), each.selection_set)
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
    )


class _Count:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        variables: dict[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def of(self, kind: Any, selections: SelectionSetNode | None) -> int:
        if selections is None or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        total = 0
        for each in selections.selections:
            if isinstance(each, FieldNode):
                total += self._field(kind, each)
            elif isinstance(each, FragmentSpreadNode):
                fragment = self._fragments[each.name.value]
                named = self._schema.get_type(fragment.type_condition.name.value)
                total += self.of(named, fragment.selection_set)
            elif isinstance(each, InlineFragmentNode) and each.type_condition is not None:
                named = self._schema.get_type(each.type_condition.name.value)
                total += self.of(named, each.selection_set)
        return total

    def _field(self, parent: GraphQLObjectType | GraphQLInterfaceType, field: FieldNode) -> int:
        name = field.name.value
        if field.selection_set is None or name in {"pageInfo", "__typename"}:
            return 0
        kind = get_named_type(parent.fields[name].type)
        inner = self.of(kind, field.selection_set)
        if kind.name.endswith("Connection"):
            return 2 + self._size(field) * inner
        return (MUTATION if parent.name == "Mutation" else 1) + inner

    def _size(self, field: FieldNode) -> int:
        for argument in field.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode):
                    return int(self._variables.get(value.name.value) or 0)
        return 0
