// Composes subgraphs and plans operations as Apollo's router does.
// Reads {subgraphs: {name: sdl}, operations: [text]} on stdin; writes {errors, hints, plans}.
import { readFileSync } from "node:fs";
import { composeServices } from "@apollo/composition";
import { Supergraph, operationFromDocument } from "@apollo/federation-internals";
import { QueryPlanner } from "@apollo/query-planner";
import { parse } from "graphql";

const { subgraphs, operations } = JSON.parse(readFileSync(0, "utf8"));
const services = Object.entries(subgraphs).map(([name, sdl]) => ({ name, typeDefs: parse(sdl) }));
const { errors = [], hints = [], supergraphSdl } = composeServices(services);
const answer = {
  errors: errors.map((error) => `${error.extensions?.code}: ${error.message}`),
  hints: hints.map((hint) => `${hint.definition.code}: ${hint.message}`),
  plans: [],
};
if (supergraphSdl) {
  const supergraph = Supergraph.build(supergraphSdl);
  const planner = new QueryPlanner(supergraph);
  const schema = supergraph.apiSchema();
  answer.plans = operations.map((text) => planner.buildQueryPlan(operationFromDocument(schema, parse(text))));
}
console.log(JSON.stringify(answer));
