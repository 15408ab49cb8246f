//! Secret policies: recipes of generated values.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::call::{Call, Reply, page, page_body};
use crate::failure::Outcome;
use crate::generators;
use crate::state::State;

/// A recipe as it is stored.
#[derive(Serialize, Deserialize)]
struct RecipeDocument {
    id: String,
    name: String,
    policy_type: Option<String>,
    fields: Vec<generators::Field>,
    description: Option<String>,
    is_active: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct RecipeWrite {
    name: String,
    policy_type: Option<String>,
    fields: Vec<generators::Field>,
    description: Option<String>,
}

fn recipe(state: &State, call: &Call) -> Outcome<RecipeDocument> {
    state.find("secret_policy", &call.tenant, call.parameter("id"), "secret_policy_not_found")
}

/// Generates the value of a recipe.
pub(crate) fn generated(state: &State, tenant: &str, id: &str) -> Outcome<Box<RawValue>> {
    let recipe: RecipeDocument = state.find("secret_policy", tenant, id, "secret_policy_not_found")?;
    generators::value(state, &recipe.fields)
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let mut recipes = state.store.list::<Value>("secret_policy", &call.tenant)?;
    recipes.sort_by(|a, b| a.0.cmp(&b.0));
    let (recipes, cursor) = page(&state.epoch, call, recipes, 100, |(id, _)| id.clone())?;
    Reply::ok(&page_body("data", recipes.into_iter().map(|(_, recipe)| recipe).collect(), cursor))
}

pub(crate) fn create(state: &State, call: &Call) -> Outcome<Reply> {
    let body: RecipeWrite = call.json()?;
    generators::value(state, &body.fields)?;
    let recipe = RecipeDocument {
        id: state.id("sp"),
        name: body.name,
        policy_type: body.policy_type,
        fields: body.fields,
        description: body.description,
        is_active: true,
        created_at: call.time(),
        updated_at: call.time(),
    };
    state.put("secret_policy", &call.tenant, &recipe.id, &recipe)?;
    Reply::created(&recipe)
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&recipe(state, call)?)
}

pub(crate) fn update(state: &State, call: &Call) -> Outcome<Reply> {
    let body: RecipeWrite = call.json()?;
    generators::value(state, &body.fields)?;
    let mut recipe = recipe(state, call)?;
    (recipe.name, recipe.fields) = (body.name, body.fields);
    recipe.policy_type = body.policy_type.or(recipe.policy_type);
    recipe.description = body.description.or(recipe.description);
    recipe.updated_at = call.time();
    state.put("secret_policy", &call.tenant, &recipe.id, &recipe)?;
    Reply::ok(&recipe)
}

pub(crate) fn delete(state: &State, call: &Call) -> Outcome<Reply> {
    let recipe = recipe(state, call)?;
    state.store.remove("secret_policy", &call.tenant, &recipe.id)?;
    Reply::nothing()
}

pub(crate) fn preview(state: &State, call: &Call) -> Outcome<Reply> {
    let recipe = recipe(state, call)?;
    let data = generators::value(state, &recipe.fields)?;
    let mut body = Map::new();
    body.insert("data".to_owned(), serde_json::from_str(data.get()).unwrap_or_default());
    Reply::ok(&body)
}
